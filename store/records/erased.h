/*
 * Whose records were erased: the table uic_erased, a keyed hash of each and when. What somebody
 * made before that brings nothing back, neither an entry of the outbox nor the record of an old
 * backup.
 */
#ifndef STORE_RECORDS_ERASED_H
#define STORE_RECORDS_ERASED_H

#include "store/base/keyed_hash.h"
#include "store/records/claims.h"

#define ERASED_WHO_TEXT_MAX (2 * RECORD_ERASED_SIZE + 1)

enum erased_subject {
    ERASED_NUMBER,
    ERASED_USER,
    ERASED_CODE,
    ERASED_RECORD,
    ERASED_EVENT,
    ERASED_ASKER
};

/* What stands for an erasure in the list. hash, in hexadecimal digits: of a number, and of whoever
 * asked, who asked (store/records/asker.h); of a user id its hash; of a code, with which whoever asked
 * is forgotten, and of a person's own record the input hash; of each message that the record knew both, see
 * erased_event. deletes: the records went; else they
 * stayed without the number.
 * Returns 0, or -1 when the cryptographic library fails. */
int erased_who(struct keyed_hash *keyed, enum erased_subject subject, bool deletes,
               const char *hash, unsigned char who[RECORD_ERASED_SIZE]);

/* Writes what stands for a message that asked for the answers, by their input hash. Returns 0, or -1 when the
 * id is too long. */
#define ERASED_EVENT_MAX (2 * RECORD_HASH_SIZE + 1 + RECORD_EVENT_ID_MAX)
int erased_event(const char *answers, const char *event_id, char text[ERASED_EVENT_MAX]);

/* Fills in what the claim is looked for by, once it is signed (asker.h). Returns the same. */
int erased_sign(struct record_claim *claim);

/* Sets the status of each claim of the batch, all replays: STORE_LATER, it may be written; or what
 * becomes of it instead. Inside a transaction. */
enum sql_result erased_judge(struct sql *sql, struct claims_batch *batch);

#endif
