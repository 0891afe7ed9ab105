/* Whom a command is about, by a number or user id that somebody gave: in both forms in which
 * records may hold it, and by what else they know the person. */
#ifndef SERVER_COMMANDS_PERSON_H
#define SERVER_COMMANDS_PERSON_H

#include "server/serving/setup.h"
#include "store/record_tools.h"

struct person {
    char sealed[RECORD_PHONE_MAX]; /* the number, as sealed records hold it */
    struct record_links links;     /* their number in clear and sealed */
};

/* phone: as phone_number_read gives it. Returns 0, or -1 after one line on standard error. */
int person_find(const struct setup *setup, const char *phone, struct person *person);

/* Whether the records of a number are some user id's: it may have been given out again since, and
 * whoever asks for them be somebody else. */
bool person_is_doubtful(const char *phone, const struct record_links *links);
/* Says so on standard error, and how many records stand under each user id, and since when: who is
 * meant is for a person to say. */
void person_tell_user_ids(const char *command, const struct record_links *links);
/* Says how. Returns -1. */
int person_refuse(const char *command);

#endif
