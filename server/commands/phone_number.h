/*
 * A phone number as people write it, telephones show it, or WhatsApp copies it: to what records
 * hold, in clear.
 */
#ifndef SERVER_COMMANDS_PHONE_NUMBER_H
#define SERVER_COMMANDS_PHONE_NUMBER_H

#include "server/security/phone_numbers.h"

/* "+243 81 234 56 78", with spaces, hyphens, parentheses and invisible marks of any kind, with
 * "whatsapp:" in front or not, is +243812345678; a user id of Meta's (CD.1234) is itself. Returns
 * 0, or -1 when it cannot be either, as 0812345678. */
int phone_number_read(const char *text, char number[PHONE_NUMBER_MAX]);

#endif
