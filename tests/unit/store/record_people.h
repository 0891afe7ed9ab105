/* People as records know them, by number and user id, who ask for one code in a bench of records. */
#ifndef TESTS_UNIT_STORE_RECORD_PEOPLE_H
#define TESTS_UNIT_STORE_RECORD_PEOPLE_H

#include "record_bench.h"

#include "store/records/asker.h"

#define CODE "985-KINS-15-JEA-KABI-A3F9D"
#define NUMBER "+243810000001"

static struct bench bench;
static struct keyed_hash *keyed;
static unsigned events;

static int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    keyed = keyed_hash_create(asker_key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyed_hash_free(keyed);
    bench_remove(&bench);
    return 0;
}

/* What stands for the user id is made of it by the same hash as for a number, only longer. */
static inline struct asked asked_as(const char *number, const char *user_id, const char *event)
{
    struct asked asked = asked_by("jean", number != NULL ? number : user_id, event, CODE);
    struct record_person *person = &asked.claim.person;
    unsigned char hash[KEYED_HASH_SIZE];

    person->has_number = number != NULL;
    person->has_user_id = user_id != NULL;
    if (number != NULL)
        assert_int_equal(record_asker_number(keyed, number, person->number), 0);
    if (user_id != NULL) {
        assert_int_equal(keyed_hash(keyed, user_id, strlen(user_id), hash), 0);
        memcpy(person->user_id, hash, sizeof person->user_id);
    }
    return asked;
}

static inline bool told_again(const char *number, const char *user_id, const char *event)
{
    struct asked asked = asked_as(number, user_id, event);

    assert_int_equal(claimed(&bench, &asked), STORE_OK);
    assert_string_equal(asked.claim.code, CODE);
    return asked.claim.asked_before;
}

static inline bool told(const char *number, const char *user_id)
{
    char event[RECORD_EVENT_ID_MAX];

    snprintf(event, sizeof event, "%016x", ++events);
    return told_again(number, user_id, event);
}

#define USER_ID \
    SQL("SELECT user_id FROM uic_records", "SELECT encode(user_id, 'hex') FROM uic_records")
/* As the tables hold it, in hexadecimal digits. */
static inline void hash_of(const char *who, char digits[2 * RECORD_PERSON_HASH_SIZE + 1])
{
    unsigned char hash[KEYED_HASH_SIZE];

    assert_int_equal(keyed_hash(keyed, who, strlen(who), hash), 0);
    for (size_t i = 0; i < RECORD_PERSON_HASH_SIZE; i++)
        sprintf(digits + 2 * i, "%02x", hash[i]);
}

#endif
