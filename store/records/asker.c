/* HMAC-SHA256 of the number, cut short: forty bits are enough to find one of sixteen. */
#include "store/records/asker.h"
#include "store/base/keyed_hash.h"

#include <stdlib.h>
#include <string.h>

struct record_asker {
    struct keyed_hash *numbers;
};

struct record_asker *record_asker_create(const unsigned char key[RECORD_ASKER_KEY_SIZE])
{
    struct record_asker *asker = calloc(1, sizeof *asker);

    if (asker != NULL)
        asker->numbers = keyed_hash_create(key);
    if (asker != NULL && asker->numbers != NULL)
        return asker;
    record_asker_free(asker);
    return NULL;
}

void record_asker_free(struct record_asker *asker)
{
    if (asker == NULL)
        return;
    keyed_hash_free(asker->numbers);
    free(asker);
}

int record_asker_number(struct record_asker *asker, const char *phone_number,
                        unsigned char number[RECORD_ASKER_NUMBER_SIZE])
{
    unsigned char hash[KEYED_HASH_SIZE];

    if (keyed_hash(asker->numbers, phone_number, strlen(phone_number), hash) != 0)
        return -1;
    memcpy(number, hash, RECORD_ASKER_NUMBER_SIZE);
    return 0;
}

/* Event ids are keyed hashes already: they need only be shortened (FNV-1a). Never 0, which is of no
 * message. */
static uint32_t event_shorten(const char *event_id)
{
    uint32_t hash = 2166136261u;

    for (; *event_id; event_id++)
        hash = (hash ^ (unsigned char)*event_id) * 16777619u;
    return (hash >> 8) | 1;
}

void record_asker_sign(struct record_asker *asker, struct record_claim *claim)
{
    const uint32_t event = event_shorten(claim->event_id);
    unsigned char *bytes = claim->asker;

    claim->is_signed = asker != NULL && claim->phone_number[0] != '\0' &&
                       record_asker_number(asker, claim->phone_number, bytes) == 0;
    for (int i = 0; i < RECORD_ASKER_SIZE - RECORD_ASKER_NUMBER_SIZE; i++)
        bytes[RECORD_ASKER_NUMBER_SIZE + i] = (unsigned char)(event >> (16 - 8 * i));
}
