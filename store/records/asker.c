/* HMAC-SHA256, cut short. Of forty bits a chance hit within one record is nothing; of all people some dozens
 * in ten million share theirs with one other, and what erasing or moving one of two makes a record forget
 * may then be what the other asked for: she is told of a new code. */
#include "store/records/asker.h"

#include <string.h>

int record_asker_number(struct keyed_hash *keyed, const char *phone_number,
                        unsigned char number[RECORD_PERSON_HASH_SIZE])
{
    unsigned char hash[KEYED_HASH_SIZE];

    if (keyed_hash(keyed, phone_number, strlen(phone_number), hash) != 0)
        return -1;
    memcpy(number, hash, RECORD_PERSON_HASH_SIZE);
    return 0;
}

/* Event ids are keyed hashes already: they need only be shortened (FNV-1a). Never 0, which is of no
 * message. */
static uint32_t event_shorten(const char *event_id)
{
    uint32_t hash = 2166136261u;

    for (; *event_id != '\0'; event_id++)
        hash = (hash ^ (unsigned char)*event_id) * 16777619u;
    return (hash >> 8) | 1;
}

void record_asker_sign(struct keyed_hash *keyed, struct record_claim *claim)
{
    const uint32_t event = event_shorten(claim->event_id);
    struct record_person *person = &claim->person;
    unsigned char *bytes = claim->asked;

    if (!person->has_user_id && !person->has_number && claim->phone_number[0] != '\0')
        person->has_number = record_asker_number(keyed, claim->phone_number, person->number) == 0;
    claim->is_signed = person->has_user_id || person->has_number;
    memcpy(bytes, person->has_user_id ? person->user_id : person->number, RECORD_ASKER_SIZE);
    for (int i = 0; i < RECORD_ASKED_SIZE - RECORD_ASKER_SIZE; i++)
        bytes[RECORD_ASKER_SIZE + i] = (unsigned char)(event >> (16 - 8 * i));
}
