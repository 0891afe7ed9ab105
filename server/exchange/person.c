/* Hashes of numbers and user ids, and addresses made of them. */
#include "server/exchange/person.h"

#include "server/security/keyed_hashes.h"
#include "store/base/hex.h"
#include <stdio.h>
#include <string.h>

_Static_assert(KEYED_HASHES_PERSON_SIZE == RECORD_PERSON_HASH_SIZE, "records keep the hash");

int person_read_user_id(struct keyed_hashes *hashes, const struct message *message,
                        struct record_person *person)
{
    const char *user_id = message_user_id(message);

    person->has_user_id = user_id != NULL;
    return user_id == NULL ? 0 : keyed_hashes_person(hashes, user_id, person->user_id);
}

int person_read_number(struct keyed_hashes *hashes, const struct message *message,
                       struct record_person *person)
{
    person->has_number = message->phone_number[0] != '\0';
    return !person->has_number ? 0
                               : keyed_hashes_person(hashes, message->phone_number, person->number);
}

size_t person_address_of_user_id(const char *scheme,
                                 const unsigned char user_id[RECORD_PERSON_HASH_SIZE],
                                 char address[MESSAGE_ADDRESS_MAX + 1])
{
    const int length =
        snprintf(address, MESSAGE_ADDRESS_MAX + 1, "%.*s", PERSON_SCHEME_MAX, scheme);

    hex_write(user_id, RECORD_PERSON_HASH_SIZE, address + length);
    return (size_t)length + 2 * RECORD_PERSON_HASH_SIZE;
}

size_t person_address(const struct message *message, const struct record_person *person,
                      char address[MESSAGE_ADDRESS_MAX + 1])
{
    char scheme[PERSON_SCHEME_MAX + 1];

    if (!person->has_user_id) {
        memcpy(address, message->address, message->address_length + 1);
        return message->address_length;
    }
    snprintf(scheme, sizeof scheme, "%.*s", (int)message->scheme_length, message->address);
    return person_address_of_user_id(scheme, person->user_id, address);
}
