/*
 * What Meta posts: each file in tests/cases/meta is a body, and what is to be found in it. And what
 * is no body that Meta would post. The oldest time that counts is OLDEST, our number OURS.
 */
#include "server/channels/meta/message.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define CASES SOURCE_DIR "/tests/cases/meta"
#define OURS "106540352242922"
#define OLDEST INT64_C(1795434500)

static const struct meta_filter filter = {OURS, OLDEST};

/* The text is a copy to the byte, so that a sanitizer sees who reads or writes beyond it. */
struct reading {
    char *body;
    char *text;
    struct meta_batch batch;
    const char *reason;
    int status;
};

static struct reading begin(const char *body, size_t length)
{
    struct reading reading = {.body = malloc(length), .text = malloc(REPAIR_MAX(length))};

    memcpy(reading.body, body, length);
    reading.status =
        meta_read(reading.body, length, &filter, reading.text, &reading.batch, &reading.reason);
    return reading;
}

static void end(struct reading *reading)
{
    free(reading->body);
    free(reading->text);
    free(reading->batch.messages);
    free(reading->batch.moves);
}

static bool is_text(const char *text, size_t length, const json_t *wanted)
{
    return length == json_string_length(wanted) &&
           (length == 0 || memcmp(text, json_string_value(wanted), length) == 0);
}

static const char *kind_name(enum flow_message_kind kind)
{
    static const char *const names[] = {
        [FLOW_MESSAGE_TEXT] = "text",
        [FLOW_MESSAGE_OPTION] = "option",
        [FLOW_MESSAGE_BUTTON] = "button",
        [FLOW_MESSAGE_MEDIA] = "media",
        [FLOW_MESSAGE_VOICE] = "voice",
        [FLOW_MESSAGE_EDIT] = "edit",
        [FLOW_MESSAGE_UNREADABLE] = "unreadable",
    };

    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "none";
}

/* "number", or without it what the address says. */
static const char *number_of(const json_t *wanted)
{
    const char *address =
        json_string_value(json_object_get(wanted, "address")) + strlen(META_SCHEME);
    const char *number = json_string_value(json_object_get(wanted, "number"));

    return number != NULL ? number : *address == '+' ? address : "";
}

static void check_message(const char *name, const struct message *message, const json_t *wanted)
{
    const char *kind;

    if (strcmp(message->phone_number, number_of(wanted)) != 0)
        fail_msg("%s: number %s", name, message->phone_number);
    if (strcmp(message->address, json_string_value(json_object_get(wanted, "address"))) != 0 ||
        message->address_length != strlen(message->address) ||
        message->scheme_length != strlen(META_SCHEME))
        fail_msg("%s: address %s", name, message->address);
    if (!is_text(message->id, message->id_length, json_object_get(wanted, "id")))
        fail_msg("%s: id %.*s", name, (int)message->id_length, message->id);
    if (!is_text(message->text, message->text_length, json_object_get(wanted, "text")))
        fail_msg("%s: text %.*s", name, (int)message->text_length, message->text);
    kind = json_string_value(json_object_get(wanted, "kind"));
    if (kind == NULL || strcmp(kind_name(message->kind), kind) != 0)
        fail_msg("%s: kind %s", name, kind_name(message->kind));
    if (!is_text(message->quoted_id, message->quoted_id_length, json_object_get(wanted, "quoted")))
        fail_msg("%s: quotes %.*s", name, (int)message->quoted_id_length, message->quoted_id);
    if (message->quotes_own != json_is_true(json_object_get(wanted, "quotes_own")))
        fail_msg("%s: quotes_own %d", name, message->quotes_own);
}

static void check_ignored(const char *name, const struct meta_ignored *ignored, json_t *wanted)
{
    const struct {
        const char *key;
        size_t count;
    } counts[] = {
        {"unknown", ignored->unknown},   {"malformed", ignored->malformed},
        {"foreign", ignored->foreign},   {"old", ignored->old},
        {"repeated", ignored->repeated},
    };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if ((json_int_t)counts[i].count !=
            json_integer_value(json_object_get(wanted, counts[i].key)))
            fail_msg("%s: %s %zu", name, counts[i].key, counts[i].count);
}

static void check_moves(const char *name, const struct meta_batch *batch, const json_t *wanted)
{
    const json_t *one;
    size_t i;

    if (batch->move_count != json_array_size(wanted))
        fail_msg("%s: %zu moves", name, batch->move_count);
    json_array_foreach(wanted, i, one)
    {
        const struct meta_move *move = &batch->moves[i];
        const char *const found[] = {move->numbers[0], move->numbers[1], move->user_ids[0],
                                     move->user_ids[1]};
        for (size_t j = 0; j < 4; j++)
            if (strcmp(found[j], json_string_value(json_array_get(one, j))) != 0)
                fail_msg("%s: move %s", name, found[j]);
    }
}

static size_t error_count(const struct meta_report *report, int code)
{
    for (size_t i = 0; i < report->error_count; i++)
        if (report->errors[i].code == code)
            return report->errors[i].count;
    return 0;
}

static void check_report(const char *name, const struct meta_report *report, json_t *wanted)
{
    json_t *errors = json_object_get(wanted, "errors"), *count;
    const char *code;
    const struct {
        const char *key;
        size_t count;
    } counts[] = {
        {"sent", report->sent},     {"delivered", report->delivered}, {"read", report->read},
        {"failed", report->failed}, {"other", report->other},
    };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if ((json_int_t)counts[i].count !=
            json_integer_value(json_object_get(wanted, counts[i].key)))
            fail_msg("%s: %s %zu", name, counts[i].key, counts[i].count);
    assert_int_equal(report->error_count, json_object_size(errors));
    json_object_foreach(errors, code, count) if ((json_int_t)error_count(report, atoi(code)) !=
                                                 json_integer_value(count))
        fail_msg("%s: error %s", name, code);
}

static void check_case(const char *name)
{
    char path[512];
    json_t *json, *wanted;
    char *body;

    snprintf(path, sizeof path, CASES "/%s", name);
    json = json_load_file(path, JSON_ALLOW_NUL, NULL);
    if (json == NULL)
        fail_msg("%s is no JSON", name);
    wanted = json_object_get(json, "messages");
    body = json_dumps(json_object_get(json, "body"), JSON_COMPACT);
    struct reading reading = begin(body, strlen(body));
    assert_int_equal(reading.status, 0);
    check_ignored(name, &reading.batch.ignored, json_object_get(json, "ignored"));
    check_report(name, &reading.batch.report, json_object_get(json, "report"));
    check_moves(name, &reading.batch, json_object_get(json, "moves"));
    if (reading.batch.count != json_array_size(wanted))
        fail_msg("%s: %zu messages", name, reading.batch.count);
    for (size_t i = 0; i < reading.batch.count; i++)
        check_message(name, &reading.batch.messages[i], json_array_get(wanted, i));
    end(&reading);
    free(body);
    json_decref(json);
}

static int is_case(const struct dirent *entry)
{
    return strstr(entry->d_name, ".json") != NULL;
}

static void every_body_is_read_as_it_says(void **state)
{
    struct dirent **entries;
    int count = scandir(CASES, &entries, is_case, alphasort);

    (void)state;
    assert_true(count >= 30);
    for (int i = 0; i < count; i++) {
        check_case(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "null",
        "{",
        "[1,]",
        "{} {}",
        "{'object':1}",
        "\xff",
        "\xef\xbb\xbf",
        "{\"object\":\"\\\"}",
        "{\"object\" \xff:1}",
        "{\"object\":\"whatsapp_business_account",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct reading reading = begin(bodies[i], strlen(bodies[i]));

        if (reading.status != -1 || reading.reason == NULL || reading.batch.messages != NULL)
            fail_msg("%s was read", bodies[i]);
        end(&reading);
    }
}

static void json_of_another_shape_holds_nothing(void **state)
{
    static const char *const bodies[] = {
        "[]",
        "{}",
        "[[[[]]]]",
        "{\"object\":\"whatsapp_business_account\"}",
        "{\"object\":\"whatsapp_business_account\",\"entry\":{\"changes\":[]}}",
        "{\"object\":\"whatsapp_business_account\",\"entry\":[null,1,\"x\",[],{\"changes\":7}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct reading reading = begin(bodies[i], strlen(bodies[i]));

        assert_int_equal(reading.status, 0);
        assert_int_equal(reading.batch.count, 0);
        end(&reading);
    }
}

/* A message that says said, in a request that has more beside it. */
static char *message_with(const char *more, const char *said, size_t *length)
{
    char *body = NULL;
    FILE *out = open_memstream(&body, length);

    fprintf(out,
            "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[{\"field\":"
            "\"messages\",\"value\":{%s\"metadata\":{\"phone_number_id\":\"" OURS "\"},"
            "\"messages\":[{\"from\":\"243812345678\",\"id\":\"w1\",\"type\":\"text\","
            "\"text\":{\"body\":\"%s\"}}]}}]}]}",
            more, said);
    fclose(out);
    return body;
}

/* What Meta signed is Meta's, whatever is broken in it. */
static void what_is_broken_in_json_is_mended(void **state)
{
    static const struct {
        const char *more, *said, *read;
    } rows[] = {
        {"",
         "Mb\xff"
         "ki",
         "Mb\xef\xbf\xbd"
         "ki"},
        {"", "\xf0\x9f\x98 Goma", "\xef\xbf\xbd Goma"},
        {"", "Goma \\ud83d", "Goma \xef\xbf\xbd"},
        {"", "\\ude00\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"", "\\ud83d\\u0041\\uDC00",
         "\xef\xbf\xbd"
         "A\xef\xbf\xbd"},
        {"", "\\ud83dx\\ud83d", "\xef\xbf\xbdx\xef\xbf\xbd"},
        {"", "Go\nma\t", "Go\xef\xbf\xbdma\xef\xbf\xbd"},
        {"", "\\x41\\u12", "\xef\xbf\xbdx41\xef\xbf\xbdu12"},
        {"\"a\":\"\\ud83d\",", "Goma", "Goma"},
        {"\"a\\u0000b\":1,", "Goma", "Goma"},
        {"\"a\":1,\"a\":2,", "Goma", "Goma"},
        {"\"a\":9223372036854775808,\"b\":-99999999999999999999999999,", "Goma", "Goma"},
        {"\"a\":1e999,\"b\":[-1E-999,0.00000000000000000000001],", "Goma", "Goma"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length;
        char *body = message_with(rows[i].more, rows[i].said, &length);
        struct reading reading = begin(body, length);

        if (reading.status != 0 || reading.batch.count != 1)
            fail_msg("%s%s: %s", rows[i].more, rows[i].said, reading.reason);
        assert_int_equal(reading.batch.messages[0].text_length, strlen(rows[i].read));
        assert_memory_equal(reading.batch.messages[0].text, rows[i].read, strlen(rows[i].read));
        end(&reading);
        free(body);
    }
}

static void a_byte_order_mark_is_no_matter(void **state)
{
    char *body = message_with("", "Goma", &(size_t){0}), *marked = malloc(strlen(body) + 4);

    (void)state;
    strcpy(stpcpy(marked, "\xef\xbb\xbf"), body);
    struct reading reading = begin(marked, strlen(marked));
    assert_int_equal(reading.batch.count, 1);
    end(&reading);
    free(body);
    free(marked);
}

/* count times unit, between head and tail. */
static char *repeat(const char *head, const char *unit, size_t count, const char *tail)
{
    const size_t length = strlen(unit);
    char *text = malloc(strlen(head) + count * length + strlen(tail) + 1);
    char *at = stpcpy(text, head);

    for (size_t i = 0; i < count; i++)
        at = mempcpy(at, unit, length);
    strcpy(at, tail);
    return text;
}

static void expect_refusal(char *body)
{
    struct reading reading = begin(body, strlen(body));

    assert_int_equal(reading.status, -1);
    assert_string_equal(reading.reason, "the JSON is nested too deep or holds too many values");
    end(&reading);
    free(body);
}

static void depth_and_number_of_values_are_limited(void **state)
{
    char *body;

    (void)state;
    expect_refusal(repeat("", "[", META_DEPTH_MAX + 1, ""));
    expect_refusal(repeat("{\"a\":", "[", 1000000, "]"));
    expect_refusal(repeat("[0", ",0", META_VALUES_MAX, "]"));
    expect_refusal(repeat("[{}", ",{}", META_VALUES_MAX, "]"));
    /* Brackets in a text are no values. */
    body = repeat("{\"object\":\"\\\"", "[,\\\\", 400000, "\"}");
    struct reading reading = begin(body, strlen(body));
    assert_int_equal(reading.status, 0);
    end(&reading);
    free(body);
}

/* A request as long as Meta sends any: every message is found, in order. */
static void thousands_of_messages_are_found(void **state)
{
    enum { COUNT = 10000 };
    char *body, *at;
    size_t size = COUNT * 200 + 1000;

    (void)state;
    body = malloc(size);
    at = body + sprintf(body, "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[{"
                              "\"field\":\"messages\",\"value\":{\"metadata\":{"
                              "\"phone_number_id\":\"" OURS "\"},\"messages\":[");
    for (int i = 0; i < COUNT; i++)
        at += sprintf(at,
                      "%s{\"from\":\"24381%07d\",\"id\":\"w%d\",\"type\":\"text\",\"text\":{"
                      "\"body\":\"%d\"}}",
                      i > 0 ? "," : "", i % 500, i % 9000, i);
    at += sprintf(at, "]}}]}]}");
    assert_in_range(at - body, 1, META_BODY_MAX);
    struct reading reading = begin(body, (size_t)(at - body));
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.batch.count, 9000);
    assert_int_equal(reading.batch.ignored.repeated, COUNT - 9000);
    for (int i = 0; i < 9000; i++) {
        char number[16];

        snprintf(number, sizeof number, "%d", i);
        assert_int_equal(reading.batch.messages[i].text_length, strlen(number));
        assert_memory_equal(reading.batch.messages[i].text, number, strlen(number));
    }
    end(&reading);
    free(body);
}

/* The shortest that tell of a change, in a body that is full; and the last that came was sent
 * first. */
static void a_full_body_of_changes_is_read_in_the_order_of_time(void **state)
{
    enum { ROOM = 160 };
    static const char head[] =
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[{\"field\":\"messages\","
        "\"value\":{\"metadata\":{\"phone_number_id\":\"" OURS "\"},\"messages\":[";
    char *body = malloc(META_BODY_MAX + ROOM), *at = stpcpy(body, head);
    size_t count = 0;

    (void)state;
    for (; at < body + META_BODY_MAX - 2 * ROOM; count++)
        at +=
            sprintf(at,
                    "%s{\"id\":\"w\",\"type\":\"system\",\"timestamp\":%zu,\"system\":{\"type\":"
                    "\"user_changed_user_id\",\"previous_user_id\":\"CD.1\",\"user_id\":\"CD.2\"}}",
                    count > 0 ? "," : "", 99999 - count / 2);
    at = stpcpy(at, "]}}]}]}");
    struct reading reading = begin(body, (size_t)(at - body));
    assert_int_equal(reading.status, 0);
    assert_int_equal(reading.batch.move_count, count);
    assert_in_range(count, 20000, META_MOVES_MAX);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(reading.batch.moves[i].sent_s, 99999 - (count - 1 - i) / 2);
    end(&reading);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_is_read_as_it_says),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(what_is_broken_in_json_is_mended),
        cmocka_unit_test(a_byte_order_mark_is_no_matter),
        cmocka_unit_test(json_of_another_shape_holds_nothing),
        cmocka_unit_test(depth_and_number_of_values_are_limited),
        cmocka_unit_test(thousands_of_messages_are_found),
        cmocka_unit_test(a_full_body_of_changes_is_read_in_the_order_of_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
