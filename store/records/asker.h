/*
 * Who asks for a record, as records remember it: a keyed hash of the phone number, and behind it a
 * few bytes of the message. A number keeps those of the message by which it asked first: that
 * message, when it comes again, is told from every later one, however many others asked since.
 */
#ifndef STORE_RECORDS_ASKER_H
#define STORE_RECORDS_ASKER_H

#include "store/base/keyed_hash.h"
#include "store/records.h"

/* What stands for a number, under the store's key. Returns 0, or -1 when the cryptographic library
 * fails. */
#define RECORD_ASKER_NUMBER_SIZE 5
int record_asker_number(struct keyed_hash *keyed, const char *phone_number,
                        unsigned char number[RECORD_ASKER_NUMBER_SIZE]);

/* Fills in claim->asker: of nobody when the claim has no number, or the library fails. */
void record_asker_sign(struct keyed_hash *keyed, struct record_claim *claim);

#endif
