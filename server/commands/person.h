/* Whom a command is about, by a number or user id that somebody gave: and by what else the records
 * know the person. */
#ifndef SERVER_COMMANDS_PERSON_H
#define SERVER_COMMANDS_PERSON_H

#include "server/serving/setup.h"
#include "store/record_tools.h"

/* phone: as phone_number_read gives it. Returns 0, or -1 after one line on standard error. */
int person_find(const struct setup *setup, const char *phone, struct record_identifiers *person);

/* Whether the records of a number are some user id's: it may have been given out again since, and
 * whoever asks for them be somebody else. */
bool person_is_doubtful(const struct record_identifiers *person);
/* Says so on standard error, and how many records stand under each user id, and since when: who is
 * meant is for a person to say. */
void person_tell_user_ids(const char *command, const struct record_identifiers *person);
/* Says how. Returns -1. */
int person_refuse(const char *command);

#endif
