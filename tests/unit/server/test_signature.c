/* Twilio's signature: what Twilio's own libraries accept passes, and nothing else. */
#include "server/channels/twilio/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define TOKEN "12345"
#define HOST "https://mycompany.com"
#define TARGET "/myapp.php?foo=1&bar=2"
#define CALL                                                                   \
    "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&" \
    "CallSid=CA1234567890ABCDE"

/* Text as it is built up or taken apart. */
struct text {
    size_t length;
    char bytes[4096];
};

static void append(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text->length += (size_t)vsnprintf(text->bytes + text->length, sizeof text->bytes - text->length,
                                      format, arguments);
    va_end(arguments);
    assert_true(text->length < sizeof text->bytes);
}

/* Whether a body under this address and signature passes. A body that is no form never does. */
static bool passes(struct signature *signature, const char *target, const struct text *body,
                   const char *value)
{
    static struct form form;
    static char storage[4096];
    char path[4096];
    const char *reason;
    char *query;

    strcpy(path, target);
    query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    return form_decode(&form, body->bytes, body->length, FORM_FIELDS_MAX, storage, &reason) == 0 &&
           signature_matches(signature, path, query, &form, value);
}

static bool passes_once(const char *tokens, const char *public_url, const char *target,
                        const char *form, const char *value)
{
    struct signature *signature = signature_create(tokens, public_url);
    struct text body = {0};
    bool passed;

    assert_non_null(signature);
    append(&body, "%s", form);
    passed = passes(signature, target, &body, value);
    signature_free(signature);
    return passed;
}

static void append_encoded(struct text *body, const char *text)
{
    for (; *text != '\0'; text++)
        append(body, "%%%02X", (unsigned char)*text);
}

static void append_field(struct text *body, const char *key, const char *value)
{
    append(body, "%s", body->length > 0 ? "&" : "");
    append_encoded(body, key);
    append(body, "=");
    append_encoded(body, value);
}

static const char *string(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));

    assert_non_null(value);
    return value;
}

static void assert_row(json_t *row)
{
    const char *url = string(row, "request_url");
    const char *target = strchr(strstr(url, "://") + 3, '/');
    char *public_url = strndup(url, (size_t)(target - url));
    struct signature *signature = signature_create(string(row, "auth_token"), public_url);
    struct text body = {0};
    const char *key;
    json_t *value, *item;
    size_t i;

    json_object_foreach(json_object_get(row, "params"), key, value)
    {
        if (json_is_string(value))
            append_field(&body, key, json_string_value(value));
        json_array_foreach(value, i, item) append_field(&body, key, json_string_value(item));
    }
    if (passes(signature, target, &body, string(row, "signature")) !=
        json_is_true(json_object_get(row, "valid")))
        fail_msg("%s", string(row, "what"));
    signature_free(signature);
    free(public_url);
}

static void every_vector_is_judged_as_twilio_does(void **state)
{
    json_error_t error;
    json_t *rows =
        json_load_file(SOURCE_DIR "/tests/data/vectors/twilio-signatures.json", 0, &error);
    json_t *row;
    size_t i;

    (void)state;
    assert_true(json_array_size(rows) >= 7);
    json_array_foreach(rows, i, row) assert_row(row);
    json_decref(rows);
}

static void a_port_may_be_signed_or_left_out(void **state)
{
    static const struct {
        const char *public_url, *value;
    } rows[] = {
        {HOST, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
        {HOST ":443", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
        {HOST ":1234", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
        {HOST, "kvajT1Ptam85bY51eRf/AJRuM3w="},
        {HOST ":443", "kvajT1Ptam85bY51eRf/AJRuM3w="},
        {"http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4="},
        {"http://mycompany.com:80", "0ZXoZLH/DfblKGATFgpif+LLRf4="},
        {"http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(passes_once(TOKEN, rows[i].public_url, TARGET, CALL, rows[i].value));
    assert_false(passes_once(TOKEN, HOST ":80", TARGET, CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="));
    assert_false(
        passes_once(TOKEN, "http://mycompany.com", TARGET, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
}

static void the_numbers_of_an_ipv6_address_are_no_port(void **state)
{
    (void)state;
    assert_true(
        passes_once(TOKEN, "https://[2001:db8::1]", "/", "", "4qurl5cYS2lDx07zXDPFxzYRxXU="));
    assert_true(
        passes_once(TOKEN, "https://[2001:db8::1]:443", "/", "", "4qurl5cYS2lDx07zXDPFxzYRxXU="));
}

static void a_public_address_may_have_a_path_of_its_own(void **state)
{
    (void)state;
    assert_true(passes_once(TOKEN, HOST "/myapp.php", "?foo=1&bar=2", CALL,
                            "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
}

static void repeated_values_count_once_and_in_order(void **state)
{
    static const char value[] = "IK+Dwps556ElfBT0I3Rgjkr1wJU=";

    (void)state;
    assert_true(passes_once(TOKEN, HOST, TARGET,
                            "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
                            value));
    assert_true(passes_once(TOKEN, HOST, TARGET,
                            "Digits=1234&SidAccount=AC123&Digits=5678&Sid=CA123", value));
    assert_false(passes_once(TOKEN, HOST, TARGET, "Sid=CA123&SidAccount=AC123&Digits=5678", value));
}

static void either_of_two_tokens_signs(void **state)
{
    static const char value[] = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    (void)state;
    assert_true(passes_once("12345,new", HOST, TARGET, CALL, value));
    assert_true(passes_once("new,12345", HOST, TARGET, CALL, value));
    assert_false(passes_once("new,other", HOST, TARGET, CALL, value));
    assert_false(passes_once("1234", HOST, TARGET, CALL, value));
    assert_null(signature_create("a,b,c", HOST));
    assert_null(signature_create("", HOST));
    assert_null(signature_create(",", HOST));
}

static void a_signature_of_another_length_is_wrong(void **state)
{
    static const char *const values[] = {
        "", "=", "RSOYDt4T1cUTdK1PDd93/VVr8B8",
        "RSOYDt4T1cUTdK1PDd93/VVr8B8= ", "RSOYDt4T1cUTdK1PDd93/VVr8B8=="};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_false(passes_once(TOKEN, HOST, TARGET, CALL, values[i]));
}

/* A field of body whose percent sign's digit changed from A to a says what it said before. */
static bool is_same_form(const struct text *before, const struct text *after)
{
    static struct form forms[2];
    static char storages[2][4096];
    const char *reason;

    if (form_decode(&forms[0], before->bytes, before->length, FORM_FIELDS_MAX, storages[0],
                    &reason) != 0 ||
        form_decode(&forms[1], after->bytes, after->length, FORM_FIELDS_MAX, storages[1],
                    &reason) != 0 ||
        forms[0].count != forms[1].count)
        return false;
    for (size_t i = 0; i < forms[0].count; i++) {
        const struct form_field *a = &forms[0].fields[i], *b = &forms[1].fields[i];
        if (a->key.length != b->key.length || a->value.length != b->value.length ||
            memcmp(a->key.bytes, b->key.bytes, a->key.length) != 0 ||
            memcmp(a->value.bytes, b->value.bytes, a->value.length) != 0)
            return false;
    }
    return true;
}

static void flip_a_bit(char *bytes, size_t length)
{
    bytes[(size_t)rand() % length] ^= (char)(1 << rand() % 8);
}

static void one_changed_bit_is_refused(void **state)
{
    static const char value[] = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    struct signature *signature = signature_create(TOKEN, HOST);
    struct text body = {0};
    int refused = 0;

    (void)state;
    append(&body, "%s", CALL);
    assert_true(passes(signature, TARGET, &body, value));
    srand(4);
    while (refused < 10000) {
        struct text changed_body = body;
        char target[] = TARGET, changed_value[sizeof value];
        memcpy(changed_value, value, sizeof value);
        switch (rand() % 3) {
        case 0:
            flip_a_bit(target, sizeof target - 1);
            break;
        case 1:
            flip_a_bit(changed_body.bytes, changed_body.length);
            if (is_same_form(&body, &changed_body))
                continue;
            break;
        default:
            flip_a_bit(changed_value, sizeof value - 1);
        }
        if (passes(signature, target, &changed_body, changed_value))
            fail_msg("passed: %s %s %s", target, changed_body.bytes, changed_value);
        refused++;
    }
    assert_true(passes(signature, TARGET, &body, value));
    signature_free(signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_judged_as_twilio_does),
        cmocka_unit_test(a_port_may_be_signed_or_left_out),
        cmocka_unit_test(the_numbers_of_an_ipv6_address_are_no_port),
        cmocka_unit_test(a_public_address_may_have_a_path_of_its_own),
        cmocka_unit_test(repeated_values_count_once_and_in_order),
        cmocka_unit_test(either_of_two_tokens_signs),
        cmocka_unit_test(a_signature_of_another_length_is_wrong),
        cmocka_unit_test(one_changed_bit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
