/* What a function that fails writes into its caller's `char error[ERROR_MAX]`: one line, without
 * secrets. */
#ifndef STORE_BASE_ERROR_H
#define STORE_BASE_ERROR_H

#define ERROR_MAX 256 /* bytes, with the NUL */

#endif
