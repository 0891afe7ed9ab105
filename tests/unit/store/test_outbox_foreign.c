/* What another salt, or the program before this one, sealed and put into the same outbox. */
#include "store/outbox_bench.h"

#include "store/base/clock.h"
#include "store/base/seal.h"
#include <openssl/evp.h>

/* Two batches and more of another salt's before and behind our own: they are passed over, and wait
 * for whoever has their salt. */
static void another_salts_entries_are_left_alone(void **state)
{
    (void)state;
    struct outbox ours, others;
    struct letter letters[300];

    for (int i = 0; i < 300; i++)
        letters[i] = letter_number(i);
    put_aside(letters, 149);
    keys_use('p');
    put_aside(letters + 149, 1);
    keys_use('o');
    put_aside(letters + 150, 150);
    keys_use('p');
    outbox_open(&others);
    until(others.written == 1 && others.foreign == 299);
    assert_int_equal(others.foreigns, 1);
    assert_int_equal(others.refused, 0);
    assert_int_equal(entries(), 299);
    assert_int_equal(ask_number("XLEN " KEPT), 0);
    assert_sql(&bench, ROWS, "1 1");
    outbox_close(&others);

    keys_use('o');
    outbox_open(&ours);
    until(ours.written == 299 && ours.length == 0);
    assert_int_equal(ours.foreign, 0);
    assert_int_equal(entries(), 0);
    assert_sql(&bench, ROWS, "300 300");
    outbox_close(&ours);
}

/* Which that program takes, in a group of its own. */
static void what_a_later_program_has_put_stays_for_it(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letter = letter_number(0);
    unsigned char clear[OUTBOX_CLEAR_MAX] = {99}, sealed[OUTBOX_SEALED_MAX];
    const struct seal_terms terms = {STREAM, SEAL_ANY_SUBKEY, clock_wall_us() / 1000000};
    struct seal *seal = seal_create(seal_keys);

    assert_int_equal(seal_wrap(seal, &terms, clear, sizeof clear, sealed), 0);
    tell("XADD " STREAM " * sealed %b", sealed, sizeof sealed);
    seal_free(seal);
    put_aside(&letter, 1);
    outbox_open(&outbox);
    until(outbox.written == 1 && outbox.foreign == 1);
    assert_int_equal(outbox.refused, 0);
    assert_int_equal(entries(), 1);
    assert_int_equal(ask_number("XLEN " KEPT), 0);
    outbox_close(&outbox);
}

/* It is not told again and again that they are there, but when they are gone. */
static void that_anothers_entries_are_gone_is_told(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3] = {letter_number(0), letter_number(1), letter_number(2)};

    put_aside(letters, 2);
    keys_use('p');
    outbox_open(&outbox);
    until(outbox.foreign == 2);
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    until(outbox.written == 1);
    const unsigned lengths = outbox.lengths;
    until(outbox.lengths > lengths + 5);
    assert_int_equal(outbox.foreigns, 1);
    tell("DEL " STREAM);
    until(outbox.foreign == 0);
    outbox_close(&outbox);
}

/* Whoever has another salt may fill what is his, and nobody else's: also while nobody drains. */
static void anothers_entries_leave_room_for_ours(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[8];

    for (int i = 0; i < 8; i++)
        letters[i] = letter_number(i);
    settings.length_max = 2;
    keys_use('p');
    put_aside(letters, 2);
    keys_use('o');
    settings.drain = false;
    outbox_open(&outbox);
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    assert_status(put(&outbox, &letters[3]), STORE_OK);
    assert_status(put(&outbox, &letters[4]), STORE_FULL);
    outbox_close(&outbox);
    settings.drain = true;
    outbox_open(&outbox);
    until(outbox.written == 2 && outbox.foreign == 2);
    for (int i = 4; i < 8; i++) { /* what was written leaves room, one by one */
        assert_status(put(&outbox, &letters[i]), STORE_OK);
        until(outbox.written == (unsigned)i - 1);
    }
    assert_int_equal(entries(), 2);
    outbox_close(&outbox);
}

/* What was taken out by hand, or put in by a version that did not count, is counted right again. */
static void a_wrong_count_is_put_right(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[4];

    for (int i = 0; i < 4; i++)
        letters[i] = letter_number(i);
    settings.length_max = 2;
    keys_use('p');
    put_aside(letters, 1);
    keys_use('o');
    outbox_open(&outbox);
    until(outbox.foreign == 1);
    tell("HSET " OWN " %s 77", group);
    until(ask_number("HLEN " OWN) == 1); /* the other's */
    assert_status(put(&outbox, &letters[1]), STORE_OK);
    until(outbox.written == 1);
    outbox_close(&outbox);
    tell("DEL " STREAM);
    tell("HSET " OWN " %s 77", group);
    settings.drain = false;
    outbox_open(&outbox);
    until(ask_number("EXISTS " OWN) == 0);
    assert_status(put(&outbox, &letters[2]), STORE_OK);
    tell("HSET " OWN " %s -7", group);
    assert_status(put(&outbox, &letters[3]), STORE_OK);
    outbox_close(&outbox);
}

/* As the program before this one sealed them. */
static void entries_of_the_old_seal_are_written(void **state)
{
    (void)state;
    unsigned char clear[OUTBOX_CLEAR_MAX], old[OUTBOX_SEALED_MAX] = {1}, key[SEAL_KEY_SIZE];
    struct outbox outbox;
    struct letter letter = letter_number(0);
    struct seal_opened opened;
    struct seal *seal = seal_create(seal_keys);
    int written;

    put_aside(&letter, 1);
    redisReply *entry = ask("XRANGE " STREAM " - +");
    const redisReply *sealed = entry->element[0]->element[1]->element[1];
    assert_int_equal(seal_unwrap(seal, STREAM, (const unsigned char *)sealed->str, sealed->len,
                                 clear, sizeof clear, &opened),
                     0);
    memset(key, 'o', sizeof key);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, old + 1);
    EVP_EncryptUpdate(context, NULL, &written, (const unsigned char *)STREAM, sizeof STREAM - 1);
    EVP_EncryptUpdate(context, old + 13, &written, clear, (int)opened.length);
    EVP_EncryptFinal_ex(context, old + 13 + opened.length, &written);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, old + 13 + opened.length);
    EVP_CIPHER_CTX_free(context);
    tell("DEL " STREAM);
    tell("XADD " STREAM " * sealed %b", old, 13 + opened.length + SEAL_TAG_SIZE);
    /* Pending for an instance of the program before, that is gone. */
    tell("XGROUP CREATE " STREAM " writers 0");
    tell("XREADGROUP GROUP writers gone STREAMS " STREAM " >");
    outbox_open(&outbox);
    until(outbox.written == 1);
    assert_sql(&bench, ROWS, "1 1");
    assert_int_equal(entries(), 0);
    outbox_close(&outbox);
    freeReplyObject(entry);
    seal_free(seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(another_salts_entries_are_left_alone),
        CASE(what_a_later_program_has_put_stays_for_it),
        CASE(that_anothers_entries_are_gone_is_told),
        CASE(anothers_entries_leave_room_for_ours),
        CASE(a_wrong_count_is_put_right),
        CASE(entries_of_the_old_seal_are_written),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
