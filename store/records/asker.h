/*
 * Who asks for a record, as records remember it: a keyed hash of the phone number, and behind it a
 * few bytes of the message. A number keeps those of the message by which it asked first: that
 * message, when it comes again, is told from every later one, however many others asked since.
 */
#ifndef STORE_RECORDS_ASKER_H
#define STORE_RECORDS_ASKER_H

#include "store/records.h"

struct record_asker;

/* Holds the key; one thread's own. Returns NULL when the cryptographic library fails. */
struct record_asker *record_asker_create(const unsigned char key[RECORD_ASKER_KEY_SIZE]);
void record_asker_free(struct record_asker *asker);

/* What stands for a number. Returns 0, or -1 when the cryptographic library fails. */
#define RECORD_ASKER_NUMBER_SIZE 5
int record_asker_number(struct record_asker *asker, const char *phone_number,
                        unsigned char number[RECORD_ASKER_NUMBER_SIZE]);

/* Fills in claim->asker: of nobody when asker is NULL, the claim has no number, or the
 * library fails. */
void record_asker_sign(struct record_asker *asker, struct record_claim *claim);

#endif
