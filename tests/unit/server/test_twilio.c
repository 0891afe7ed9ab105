/* A Twilio request: its form, the message in it, the TwiML that answers it. */
#include "server/channels/twilio.h"
#include "server/channels/twiml.h"
#include "server/http/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct form form;
static char storage[65536];

static int decode_bytes(const char *body, size_t length)
{
    const char *reason = NULL;
    int status = form_decode(&form, body, length, FORM_FIELDS_MAX, storage, &reason);

    if (status != 0)
        assert_non_null(reason);
    return status;
}

static int decode(const char *body)
{
    return decode_bytes(body, strlen(body));
}

static void assert_value(const char *key, const char *bytes, size_t length)
{
    struct form_text value = form_value(&form, key, NULL);

    assert_non_null(value.bytes);
    assert_int_equal(value.length, length);
    assert_memory_equal(value.bytes, bytes, length);
}

static void keys_and_values_are_decoded(void **state)
{
    (void)state;
    assert_int_equal(decode("Body=a+b%2Bc%26%3d&B%6fdy2=%C3%A9"), 0);
    assert_value("Body", "a b+c&=", 7);
    assert_value("Body2", "\xc3\xa9", 2);
}

static void a_nul_is_a_character_like_another(void **state)
{
    (void)state;
    assert_int_equal(decode("Body=Je%00an"), 0);
    assert_value("Body", "Je\0an", 5);
}

static void odd_forms_are_still_forms(void **state)
{
    (void)state;
    assert_int_equal(decode(""), 0);
    assert_int_equal(form.count, 0);
    assert_int_equal(decode("flag&Body=x"), 0);
    assert_value("flag", "", 0);
    assert_value("Body", "x", 1);
    assert_int_equal(decode("&&Body=x&"), 0);
    assert_int_equal(form.count, 1);
    assert_int_equal(decode("=x&Body=a=b"), 0);
    assert_value("", "x", 1);
    assert_value("Body", "a=b", 3);
}

static void a_key_may_stand_twice_and_is_counted(void **state)
{
    size_t count;

    (void)state;
    assert_int_equal(decode("a=1&b=2&a=3"), 0);
    assert_int_equal(form.count, 3);
    assert_int_equal(form_value(&form, "a", &count).bytes[0], '1');
    assert_int_equal(count, 2);
    form_value(&form, "c", &count);
    assert_int_equal(count, 0);
}

static void broken_percent_signs_are_refused(void **state)
{
    static const char *const bodies[] = {"a=%", "a=%4", "a=%zz", "a=%4g", "%=1", "a=1%&b=2"};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(decode(bodies[i]), -1);
}

static void broken_utf8_is_refused_wherever_it_stands(void **state)
{
    static const char *const bodies[] = {"Body=%FF",          "Body=%C3",         "%C3%28=1",
                                         "Body=%ED%A0%80",    "Body=%C0%80",      "x=\xe9",
                                         "Body=%F4%90%80%80", "Body=ok&Other=%80"};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(decode(bodies[i]), -1);
}

static void two_hundred_fields_fit_and_too_many_are_refused(void **state)
{
    static char body[FORM_FIELDS_MAX * 8];
    size_t length = 0;

    (void)state;
    for (int i = 0; i < FORM_FIELDS_MAX; i++) {
        length += (size_t)sprintf(body + length, "k%d=v&", i);
        assert_int_equal(decode_bytes(body, length), 0);
        assert_int_equal(form.count, i + 1);
    }
    length += (size_t)sprintf(body + length, "k=v");
    assert_int_equal(decode_bytes(body, length), -1);
}

static void random_forms_never_crash(void **state)
{
    static const char alphabet[] = "%%%&&==+aF0\xc3\xa9\xff";
    char body[200];

    (void)state;
    srand(2);
    for (int round = 0; round < 50000; round++) {
        size_t length = (size_t)rand() % sizeof body;
        for (size_t i = 0; i < length; i++)
            body[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        decode_bytes(body, length);
    }
}

static int parse(const char *body, struct message *message)
{
    const char *reason = NULL;

    assert_int_equal(decode(body), 0);
    return twilio_parse(&form, message, &reason);
}

static void a_message_is_found_in_the_form(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("MessageSid=SM1&From=whatsapp:%2B243999999999&Body=Bonjour&New=1&"
                           "NumMedia=0&ProfileName=Jean",
                           &message),
                     0);
    assert_int_equal(message.address_length, 22);
    assert_string_equal(message.address, "whatsapp:+243999999999");
    assert_string_equal(message.address + message.scheme_length, "+243999999999");
    assert_int_equal(message.id_length, 3);
    assert_memory_equal(message.text, "Bonjour", 7);
    assert_int_equal(message.kind, FLOW_MESSAGE_TEXT);
}

static void a_message_needs_neither_id_nor_number(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=whatsapp:US.1234&Body=Test", &message), 0);
    assert_int_equal(message.id_length, 0);
    assert_string_equal(message.address + message.scheme_length, "US.1234");
}

static void a_plus_sign_that_nobody_encoded_is_one_again(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=whatsapp:+243999999999&Body=Test", &message), 0);
    assert_string_equal(message.address, "whatsapp:+243999999999");
}

static void a_picture_is_not_written_but_its_caption_is(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=a&Body=&NumMedia=1", &message), 0);
    assert_int_equal(message.kind, FLOW_MESSAGE_MEDIA);
    assert_int_equal(parse("From=a&Latitude=1", &message), 0);
    assert_int_equal(message.kind, FLOW_MESSAGE_MEDIA);
    assert_int_equal(parse("From=a&Body=1985&NumMedia=1", &message), 0);
    assert_int_equal(message.kind, FLOW_MESSAGE_TEXT);
}

static void a_form_without_a_clear_sender_is_no_message(void **state)
{
    struct message message;
    char body[256];

    (void)state;
    assert_int_equal(parse("Body=x", &message), -1);
    assert_int_equal(parse("From=&Body=x", &message), -1);
    assert_int_equal(parse("From=a%00b&Body=x", &message), -1);
    assert_int_equal(parse("From=a+b&Body=x", &message), -1);
    assert_int_equal(parse("From=a&From=b&Body=x", &message), -1);
    assert_int_equal(parse("From=a&Body=x&Body=y", &message), -1);
    assert_int_equal(parse("From=a&Body=x&MessageSid=1&MessageSid=2", &message), -1);
    sprintf(body, "Body=x&From=%0*d", MESSAGE_ADDRESS_MAX, 1);
    assert_int_equal(parse(body, &message), 0);
    sprintf(body, "Body=x&From=%0*d", MESSAGE_ADDRESS_MAX + 1, 1);
    assert_int_equal(parse(body, &message), -1);
}

static void assert_twiml(const char *text, size_t length, const char *inside)
{
    char out[1024], expected[1024];
    size_t written = twiml_write(out, text, length);

    assert_int_equal(written, strlen(out));
    sprintf(expected,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message><Body>%s</Body>"
            "</Message></Response>",
            inside);
    assert_string_equal(out, expected);
}

static void twiml_is_escaped_and_keeps_what_xml_can_hold(void **state)
{
    (void)state;
    assert_twiml("a & b < c > d \" e ' f", 21, "a &amp; b &lt; c &gt; d &quot; e &apos; f");
    assert_twiml("un\ndeux\ttrois", 13, "un\ndeux\ttrois");
    assert_twiml("a\0b\x01\x1f\x7f"
                 "c",
                 7, "abc");
    assert_twiml("\xf0\x9f\x91\x8b \xc3\xa9", 7, "\xf0\x9f\x91\x8b \xc3\xa9");
    assert_twiml("a\xef\xbf\xbe"
                 "b\xef\xbf\xbf"
                 "c\xef\xbf\xbd",
                 12, "abc\xef\xbf\xbd");
    assert_twiml("]]>", 3, "]]&gt;");
}

static void nothing_to_say_is_an_empty_response(void **state)
{
    char out[256];

    (void)state;
    twiml_write(out, "", 0);
    assert_string_equal(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_values_are_decoded),
        cmocka_unit_test(a_nul_is_a_character_like_another),
        cmocka_unit_test(odd_forms_are_still_forms),
        cmocka_unit_test(a_key_may_stand_twice_and_is_counted),
        cmocka_unit_test(broken_percent_signs_are_refused),
        cmocka_unit_test(broken_utf8_is_refused_wherever_it_stands),
        cmocka_unit_test(two_hundred_fields_fit_and_too_many_are_refused),
        cmocka_unit_test(random_forms_never_crash),
        cmocka_unit_test(a_message_is_found_in_the_form),
        cmocka_unit_test(a_message_needs_neither_id_nor_number),
        cmocka_unit_test(a_plus_sign_that_nobody_encoded_is_one_again),
        cmocka_unit_test(a_picture_is_not_written_but_its_caption_is),
        cmocka_unit_test(a_form_without_a_clear_sender_is_no_message),
        cmocka_unit_test(twiml_is_escaped_and_keeps_what_xml_can_hold),
        cmocka_unit_test(nothing_to_say_is_an_empty_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
