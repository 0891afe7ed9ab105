/* Sessions in Redis: what stands there for everyone to see, and how operations end. Connections
 * that fail have a test of their own. */
#include "store/base/seal.h"
#include "store/session_redis_bench.h"

#include <time.h>

#define ask(...) redis_server_ask(&server, __VA_ARGS__)
#define tell(...) freeReplyObject(ask(__VA_ARGS__))

/* What stands in Redis */

static bool holds(const redisReply *reply, const char *text)
{
    return memmem(reply->str, reply->len, text, strlen(text)) != NULL;
}

static void neither_names_nor_answers_stand_in_clear(void **state)
{
    (void)state;
    static const char *const secrets[] = {"Kabila", "Lumumba", "whatsapp", "243", "812345678"};
    assert_status(save_something(), STORE_OK);
    redisReply *keys = ask("KEYS *");
    assert_int_equal(keys->elements, 2);
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *value = ask("GET %s", keys->element[i]->str);
        for (size_t j = 0; j < sizeof secrets / sizeof secrets[0]; j++) {
            assert_false(holds(keys->element[i], secrets[j]));
            assert_false(holds(value, secrets[j]));
        }
        freeReplyObject(value);
    }
    freeReplyObject(keys);
}

/* Computed elsewhere: base64url(HMAC-SHA256("a" x 32, address)), its first 22 characters. */
static void names_are_as_promised(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_string_equal(visit.session.name, "uic:s:QY90ZU_TqEsBRj7NCqXAun");
}

static void both_keys_have_their_life(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(save_something(), STORE_OK);
    redisReply *session = ask("PTTL %s", visit.session.name);
    redisReply *mark = ask("PTTL uic:m:%s", visit.session.name + strlen("uic:s:"));
    assert_in_range(session->integer, 1, bench.settings.ttl_ms);
    assert_in_range(mark->integer, bench.settings.ttl_ms + 1, bench.settings.mark_ttl_ms);
    freeReplyObject(session);
    freeReplyObject(mark);
}

/* The sealed bytes of the mark after one more save with this one; static, "" for none. */
static const char *sealed_mark(const char *mark)
{
    static char bytes[256];
    struct visit visit;

    visit_init(&bench, &visit, ADDRESS);
    (void)visit_load(&bench, &visit);
    visit_say(&visit, "Kabila");
    visit_mark(&visit, mark);
    assert_status(visit_save(&bench, &visit), STORE_OK);
    redisReply *reply = ask("GET uic:m:%s", visit.session.name + strlen("uic:s:"));
    for (size_t i = 0; i < (size_t)reply->len; i++)
        snprintf(bytes + 2 * i, 3, "%02x", (unsigned char)reply->str[i]);
    bytes[2 * reply->len] = '\0';
    freeReplyObject(reply);
    return bytes;
}

static void a_mark_that_does_not_change_is_left_alone(void **state)
{
    (void)state;
    char first[256];

    strcpy(first, sealed_mark("fr"));
    assert_string_not_equal(first, "");
    assert_string_equal(first, sealed_mark("fr"));
    assert_string_not_equal(first, sealed_mark("en"));
    assert_string_equal("", sealed_mark(""));
    assert_string_not_equal("", sealed_mark("fr"));
}

static void a_mark_that_is_gone_comes_back_with_the_next_save(void **state)
{
    (void)state;
    struct visit visit;

    visit_init(&bench, &visit, ADDRESS);
    sealed_mark("fr");
    tell("DEL uic:m:%s", visit.session.name + strlen("uic:s:"));
    assert_string_not_equal("", sealed_mark("fr"));
}

/* Whether a save writes the same mark again, so many seconds after it was written. */
static bool is_written_again(unsigned after_s)
{
    struct visit visit;

    sealed_mark("");
    sealed_mark("fr");
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    struct session_note *note = &visit.session.known.note;
    note->saved_s = htole64(le64toh(note->saved_s) - after_s);
    tell("DEL uic:m:%s", visit.session.name + strlen("uic:s:"));
    assert_status(visit_save(&bench, &visit), STORE_OK);
    redisReply *there = ask("EXISTS uic:m:%s", visit.session.name + strlen("uic:s:"));
    const bool written = there->integer == 1;
    freeReplyObject(there);
    return written;
}

static void a_mark_is_written_so_often_in_its_life(void **state)
{
    (void)state;
    const unsigned part_s = bench.settings.mark_ttl_ms / 1000 / SESSION_MARK_WRITES;

    assert_false(is_written_again(part_s - 60));
    assert_true(is_written_again(part_s));
    assert_true(is_written_again(bench.settings.mark_ttl_ms / 1000));
}

static void a_deleted_session_leaves_no_key(void **state)
{
    (void)state;
    struct visit visit;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    visit_say(&visit, "");
    visit_mark(&visit, "");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    redisReply *size = ask("DBSIZE");
    assert_int_equal(size->integer, 0);
    freeReplyObject(size);
}

/* Whatever somebody wrote there counts as absent, and can be replaced. */
static void damaged_values_count_as_absent(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "SET %s x",         "SET %s 0123456789ab", "SET %s 0123456789abcdefghijklmnopqrstuvwxyz",
        "SETRANGE %s 20 x", "APPEND %s x",         "SETRANGE %s 6000 x",
    };
    struct visit visit;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_status(save_something(), STORE_OK);
        visit_init(&bench, &visit, ADDRESS);
        tell(commands[i], visit.session.name);
        assert_status(visit_load(&bench, &visit), STORE_ABSENT);
        assert_int_equal(visit.session.length, 0);
        assert_marked(&visit, "Lumumba");
        visit_say(&visit, "new");
        assert_status(visit_save(&bench, &visit), STORE_OK);
        load_says("new");
    }
}

/* Sealed by us, but without the note that stands behind the bytes. */
static void a_value_of_another_layout_counts_as_absent(void **state)
{
    (void)state;
    const unsigned char clear[64] = "no note stands behind this";
    unsigned char sealed[sizeof clear + SEAL_OVERHEAD];
    struct seal_keys *keys = seal_keys_create(bench.settings.seal_key);
    struct seal *seal = seal_create(keys);
    struct visit visit;

    visit_init(&bench, &visit, ADDRESS);
    const struct seal_terms terms = {visit.session.name, visit.session.subkey, time(NULL)};
    for (size_t length = 16; length <= sizeof clear; length *= 2) {
        assert_int_equal(seal_wrap(seal, &terms, clear, length, sealed), 0);
        tell("SET %s %b", visit.session.name, sealed, length + SEAL_OVERHEAD);
        assert_status(visit_load(&bench, &visit), STORE_ABSENT);
        assert_int_equal(visit.session.length, 0);
    }
    visit_say(&visit, "new");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    load_says("new");
    seal_free(seal);
    seal_keys_free(keys);
}

static void a_damaged_mark_counts_as_none(void **state)
{
    (void)state;
    struct visit visit;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    tell("APPEND uic:m:%s x", visit.session.name + strlen("uic:s:"));
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_int_equal(visit.session.mark_length, 0);
}

static void a_value_moved_to_another_person_does_not_open(void **state)
{
    (void)state;
    struct visit mine, theirs;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &mine, ADDRESS);
    visit_init(&bench, &theirs, "whatsapp:+243800000000");
    tell("RENAME %s %s", mine.session.name, theirs.session.name);
    assert_status(visit_load(&bench, &theirs), STORE_ABSENT);
}

static void under_another_salt_all_are_absent(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings(url);
    struct visit visit;
    assert_status(save_something(), STORE_OK);

    settings.seal_key[0] ^= 1;
    reopen(&settings);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
    visit_say(&visit, "new");
    assert_status(visit_save(&bench, &visit), STORE_OK);
    load_says("new");

    settings.address_key[0] ^= 1;
    reopen(&settings);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_ABSENT);
}

/* What fails */

static void lost_scripts_are_not_noticed(void **state)
{
    (void)state;
    assert_status(save_something(), STORE_OK);
    tell("SCRIPT FLUSH");
    assert_status(save_something(), STORE_OK);
    load_says("Kabila");
    tell("SCRIPT FLUSH");
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_save(&bench, &visit), STORE_CONFLICT);
}

/* Where a user may not delete, the mark cannot go; then the session does not change either. */
static void a_save_refused_halfway_is_not_done(void **state)
{
    (void)state;
    struct visit visit;
    assert_status(save_something(), STORE_OK);
    visit_init(&bench, &visit, ADDRESS);
    assert_status(visit_load(&bench, &visit), STORE_OK);
    const size_t length = visit.session.length;
    visit_say(&visit, "something else and longer");
    visit_mark(&visit, "");
    tell("ACL SETUSER default -del");
    assert_status(visit_save(&bench, &visit), STORE_REFUSED);
    tell("ACL SETUSER default +del");
    assert_status(visit_load(&bench, &visit), STORE_OK);
    assert_int_equal(visit.session.length, length);
}

/* Redis out of memory refuses to write; the connection stays. */
static void a_refused_write_is_surely_not_done(void **state)
{
    (void)state;
    tell("CONFIG SET maxmemory 1");
    assert_status(save_something(), STORE_REFUSED);
    assert_false(session_link_up(bench.link));
    assert_int_equal(session_link_health(bench.link)->refusal, REDIS_IS_FULL);
    assert_non_null(strstr(bench.why, "sessions: OOM command not allowed"));
    unsigned changes = bench.changes;
    assert_status(save_something(), STORE_REFUSED);
    assert_int_equal(bench.changes, changes); /* told once */
    tell("CONFIG SET maxmemory 0");
    bench_until(&bench, session_link_up(bench.link)); /* found without a command of ours */
    assert_int_equal(session_link_health(bench.link)->refusal, REDIS_SERVES);
    assert_status(save_something(), STORE_OK);
}

/* What a probe leaves behind, even after a refusal, is nothing. */
static void trying_leaves_nothing(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings(url);

    tell("ACL SETUSER default -mget");
    bench_close(&bench);
    bench_attach(&bench, &settings);
    bench_until(&bench, strstr(bench.why, "NOPERM") != NULL);
    assert_int_equal(session_link_health(bench.link)->refusal, REDIS_FORBIDS);
    redisReply *size = ask("DBSIZE");
    assert_int_equal(size->integer, 0);
    freeReplyObject(size);
    tell("ACL SETUSER default +mget");
    bench_until(&bench, session_link_up(bench.link));
}

static void too_much_under_way_is_full(void **state)
{
    (void)state;
    struct session_settings settings = bench_settings(url);
    struct visit visits[3];
    settings.in_flight_max = 2;
    reopen(&settings);
    for (size_t i = 0; i < 3; i++)
        visit_init(&bench, &visits[i], ADDRESS);
    assert_status(session_load(bench.link, &visits[0].session), STORE_LATER);
    assert_status(session_save(bench.link, &visits[1].session), STORE_LATER);
    assert_status(session_load(bench.link, &visits[2].session), STORE_FULL);
    assert_status(session_save(bench.link, &visits[2].session), STORE_FULL);
    assert_status(visit_end(&bench, &visits[0], STORE_LATER), STORE_ABSENT);
    assert_status(visit_end(&bench, &visits[1], STORE_LATER), STORE_OK);
    assert_status(visit_load(&bench, &visits[2]), STORE_ABSENT);
}

static void nothing_is_called_from_the_starting_call(void **state)
{
    (void)state;
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    assert_status(session_load(bench.link, &visit.session), STORE_LATER);
    assert_int_equal(visit.done, 0);
    assert_status(visit_end(&bench, &visit, STORE_LATER), STORE_ABSENT);
}

static void a_detach_ends_what_is_under_way(void **state)
{
    (void)state;
    struct visit visits[5];
    for (size_t i = 0; i < 5; i++) {
        visit_init(&bench, &visits[i], ADDRESS);
        assert_status(session_load(bench.link, &visits[i].session), STORE_LATER);
    }
    bench_detach(&bench);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(visits[i].done, 1);
        assert_status(visits[i].session.ticket.status, STORE_DOWN);
    }
}

/* A ticket's done may go on at once, from a reply and from a failure. */
struct stubborn {
    struct visit visit;
    enum store_status second;
};

static void try_again(struct store_ticket *ticket)
{
    struct stubborn *stubborn = (struct stubborn *)ticket;
    ticket->done = visit_done;
    stubborn->second = session_load(bench.link, &stubborn->visit.session);
}

static void a_ticket_may_go_on_when_done(void **state)
{
    (void)state;
    struct stubborn stubborn = {.second = STORE_FULL};
    visit_init(&bench, &stubborn.visit, ADDRESS);
    stubborn.visit.session.ticket.done = try_again;
    assert_status(session_load(bench.link, &stubborn.visit.session), STORE_LATER);
    bench_until(&bench, stubborn.second != STORE_FULL);
    assert_status(visit_end(&bench, &stubborn.visit, stubborn.second), STORE_ABSENT);

    stubborn.visit.session.ticket.done = try_again;
    assert_status(session_load(bench.link, &stubborn.visit.session), STORE_LATER);
    bench_detach(&bench);
    assert_status(stubborn.second, STORE_DOWN);
    assert_int_equal(stubborn.visit.done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(neither_names_nor_answers_stand_in_clear),
        CASE(names_are_as_promised),
        CASE(both_keys_have_their_life),
        CASE(a_mark_that_does_not_change_is_left_alone),
        CASE(a_mark_that_is_gone_comes_back_with_the_next_save),
        CASE(a_mark_is_written_so_often_in_its_life),
        CASE(a_deleted_session_leaves_no_key),
        CASE(damaged_values_count_as_absent),
        CASE(a_value_of_another_layout_counts_as_absent),
        CASE(a_damaged_mark_counts_as_none),
        CASE(a_value_moved_to_another_person_does_not_open),
        CASE(under_another_salt_all_are_absent),
        CASE(lost_scripts_are_not_noticed),
        CASE(a_save_refused_halfway_is_not_done),
        CASE(a_refused_write_is_surely_not_done),
        CASE(trying_leaves_nothing),
        CASE(too_much_under_way_is_full),
        CASE(nothing_is_called_from_the_starting_call),
        CASE(a_detach_ends_what_is_under_way),
        CASE(a_ticket_may_go_on_when_done),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
