/*
 * Who asks for a record, as records remember it: a keyed hash of the user id or else of the phone
 * number, and behind it a few bytes of the message. A person keeps those of the message by which
 * she asked first: that message, when it comes again, is told from every later one, however many
 * others asked since.
 */
#ifndef STORE_RECORDS_ASKER_H
#define STORE_RECORDS_ASKER_H

#include "store/base/keyed_hash.h"
#include "store/records.h"

/* What stands for a number, under the store's key. Returns 0, or -1 when the cryptographic library
 * fails. */
int record_asker_number(struct keyed_hash *keyed, const char *phone_number,
                        unsigned char number[RECORD_PERSON_HASH_SIZE]);

/* Fills in claim->asked; and claim->person, when it is nobody, by the phone number, as of an entry
 * that an earlier release put into the outbox. Of nobody without one, or when the library fails. */
void record_asker_sign(struct keyed_hash *keyed, struct record_claim *claim);

#endif
