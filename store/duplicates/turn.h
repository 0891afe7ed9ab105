/* Whoever finds pairs or decides of them in PostgreSQL does so alone, and not while a record is
 * being deleted: schema_3.sql has the same number. */
#ifndef STORE_DUPLICATES_TURN_H
#define STORE_DUPLICATES_TURN_H

#define DUPLICATES_TURN "7694693"

#endif
