/*
 * Who wrote, as the stores know people: by keyed hashes. A session and the replies that wait are
 * found by the user id where there is one, since a number may be hidden from one message to the
 * next; and by its hash, which records keep beside the number, so that whoever erases a number
 * finds them too.
 */
#ifndef SERVER_EXCHANGE_PERSON_H
#define SERVER_EXCHANGE_PERSON_H

#include "server/exchange/message.h"
#include "store/records.h"

struct keyed_hashes;

/* Of a person who is nobody yet, as far as the message tells: the user id's hash, for the address;
 * and the number's, for records. Each returns 0, or -1 when the cryptographic library fails. */
int person_read_user_id(struct keyed_hashes *hashes, const struct message *message,
                        struct record_person *person);
int person_read_number(struct keyed_hashes *hashes, const struct message *message,
                       struct record_person *person);

/* By what sessions and replies are kept: the address, or with a user id its scheme and the hash.
 * The number is with scheme and plus. Returns the length. */
size_t person_address(const struct message *message, const struct record_person *person,
                      char address[MESSAGE_ADDRESS_MAX + 1]);
/* The same of a hash alone, with a scheme of at most PERSON_SCHEME_MAX characters. */
#define PERSON_SCHEME_MAX 16
size_t person_address_of_user_id(const char *scheme,
                                 const unsigned char user_id[RECORD_PERSON_HASH_SIZE],
                                 char address[MESSAGE_ADDRESS_MAX + 1]);

#endif
