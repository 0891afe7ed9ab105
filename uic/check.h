/* check: the character that tells a mistyped code. Private to uic. */
#ifndef UIC_CHECK_H
#define UIC_CHECK_H

#include <stddef.h>

/* The ISO 7064 MOD 37,36 check character, '0' to 'Z', over the ASCII letters and digits of text;
 * everything else in it is passed over, and a small letter counts as its capital. */
char check_character(const char *text, size_t length);

#endif
