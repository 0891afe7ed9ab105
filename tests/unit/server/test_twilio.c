/* A Twilio request: its form, the message in it, the TwiML that answers it. */
#include "server/channels/channel.h"
#include "server/channels/twilio/message.h"
#include "server/channels/twilio/twiml.h"
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

static void a_broken_percent_sign_stays_and_is_known(void **state)
{
    static const char *const bodies[] = {"a=%", "a=%4", "a=%zz", "a=%4g", "a%=1", "a=1%"};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(decode(bodies[i]), 0);
        assert_int_equal(form.count, 1);
        assert_true(form.fields[0].broken);
    }
    assert_int_equal(decode("a=%zz+%41&b=%42"), 0);
    assert_value("a", "%zz A", 5);
    assert_value("b", "B", 1);
    assert_false(form.fields[1].broken);
}

static void bytes_that_are_no_utf8_stay_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(decode("Body=%FF%C3&%C3%28=\xe9"), 0);
    assert_value("Body", "\xff\xc3", 2);
    assert_value("\xc3(", "\xe9", 1);
    assert_false(form.fields[0].broken);
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

static enum twilio_post parse(const char *body, struct message *message)
{
    const char *reason = NULL;
    enum twilio_post post;

    assert_int_equal(decode(body), 0);
    post = twilio_read(&form, "whatsapp:+14155238886", message, &reason);
    assert_int_equal(post == TWILIO_BAD, reason != NULL);
    return post;
}

static void a_message_is_found_in_the_form(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("MessageSid=SM1&From=whatsapp:%2B243999999999&Body=Bonjour&New=1&"
                           "NumMedia=0&ProfileName=Jean",
                           &message),
                     TWILIO_MESSAGE);
    assert_int_equal(message.address_length, 22);
    assert_string_equal(message.address, "whatsapp:+243999999999");
    assert_string_equal(message.address + message.scheme_length, "+243999999999");
    assert_string_equal(message.phone_number, "+243999999999");
    assert_null(message_user_id(&message));
    assert_int_equal(message.id_length, 3);
    assert_memory_equal(message.text, "Bonjour", 7);
    assert_int_equal(message.kind, FLOW_MESSAGE_TEXT);
    assert_int_equal(message.sent_s, 0);
}

static void a_message_needs_neither_id_nor_number(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=whatsapp:US.1234&Body=Test", &message), TWILIO_MESSAGE);
    assert_int_equal(message.id_length, 0);
    assert_string_equal(message.address + message.scheme_length, "US.1234");
    assert_string_equal(message_user_id(&message), "US.1234");
    assert_string_equal(message.phone_number, "");
}

static void a_user_id_may_stand_beside_the_number(void **state)
{
    static const char *const ids[] = {"CD.9001", "whatsapp:CD.9001"};
    static const char *const none[] = {"",       "whatsapp:", "cd.9001",
                                       "%2B243", "CD.1%0A2",  "CD.1%202"};
    char body[256];
    struct message message;

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        sprintf(body, "From=whatsapp:%%2B243999999999&Body=x&ExternalUserId=%s", ids[i]);
        assert_int_equal(parse(body, &message), TWILIO_MESSAGE);
        assert_string_equal(message.address, "whatsapp:CD.9001");
        assert_int_equal(message.address_length, strlen(message.address));
        assert_string_equal(message.phone_number, "+243999999999");
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        sprintf(body, "From=whatsapp:%%2B243999999999&Body=x&ExternalUserId=%s", none[i]);
        assert_int_equal(parse(body, &message), TWILIO_MESSAGE);
        assert_string_equal(message.address, "whatsapp:+243999999999");
    }
    /* Who hides the number is known by what From says. */
    assert_int_equal(parse("From=whatsapp:CD.9001&Body=x&ExternalUserId=CD.9002", &message),
                     TWILIO_MESSAGE);
    assert_string_equal(message.address, "whatsapp:CD.9001");
}

static void the_older_name_of_the_id_is_one_too(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=whatsapp:US.1&Body=x&SmsSid=SM2", &message), TWILIO_MESSAGE);
    assert_memory_equal(message.id, "SM2", 3);
    assert_int_equal(parse("From=whatsapp:US.1&Body=x&SmsSid=SM2&MessageSid=SM3", &message),
                     TWILIO_MESSAGE);
    assert_memory_equal(message.id, "SM3", 3);
}

static void one_person_is_one_however_the_number_is_written(void **state)
{
    static const char *const froms[] = {
        "whatsapp:%2B243999999999", "whatsapp:+243999999999",  "whatsapp:243999999999",
        "WhatsApp:%2B243999999999", "WHATSAPP%3A243999999999",
    };
    struct message message;
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof froms / sizeof *froms; i++) {
        sprintf(body, "Body=Test&From=%s", froms[i]);
        assert_int_equal(parse(body, &message), TWILIO_MESSAGE);
        assert_string_equal(message.address, "whatsapp:+243999999999");
        assert_int_equal(message.address_length, 22);
    }
}

static void who_writes_elsewhere_is_nobody_on_whatsapp(void **state)
{
    static const char *const froms[] = {
        "%2B243999999999", "243999999999", "messenger:1234", "rcs:%2B243999999999", "a",
        "whatsapp"};
    struct message message;
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof froms / sizeof *froms; i++) {
        sprintf(body, "Body=Test&MessageSid=SM1&From=%s", froms[i]);
        assert_int_equal(parse(body, &message), TWILIO_ELSEWHERE);
    }
}

static void each_kind_is_known(void **state)
{
    static const struct {
        const char *fields;
        enum flow_message_kind kind;
    } rows[] = {
        {"Body=", FLOW_MESSAGE_MEDIA},
        {"Body=&NumMedia=1", FLOW_MESSAGE_MEDIA},
        /* A caption is text, a name is not. */
        {"Body=1985&NumMedia=1", FLOW_MESSAGE_TEXT},
        {"Body=1985&NumMedia=1&MediaContentType0=image/jpeg", FLOW_MESSAGE_TEXT},
        {"Body=1985&NumMedia=1&MediaContentType0=video/mp4", FLOW_MESSAGE_TEXT},
        {"Body=1985&MessageType=image&MediaContentType0=image/jpeg", FLOW_MESSAGE_TEXT},
        {"Body=carte.pdf&MediaContentType0=application/pdf", FLOW_MESSAGE_MEDIA},
        {"Body=carte.jpg&MessageType=document&MediaContentType0=image/jpeg", FLOW_MESSAGE_MEDIA},
        {"Body=Jean&MediaContentType0=text/vcard", FLOW_MESSAGE_MEDIA},
        {"Body=Jean&MessageType=contacts", FLOW_MESSAGE_MEDIA},
        {"Body=Kinshasa&Latitude=-4.3&Longitude=15.3", FLOW_MESSAGE_MEDIA},
        {"Body=Kinshasa&MessageType=location", FLOW_MESSAGE_MEDIA},
        {"Body=&MessageType=sticker&MediaContentType0=image/webp", FLOW_MESSAGE_MEDIA},
        {"Body=&MediaContentType0=audio/ogg", FLOW_MESSAGE_VOICE},
        {"Body=&MessageType=audio", FLOW_MESSAGE_VOICE},
        /* A button of somebody's template. */
        {"Body=Stop+promotions&MessageType=button&ButtonText=Stop+promotions", FLOW_MESSAGE_BUTTON},
        {"Body=Oui&ButtonPayload=yes", FLOW_MESSAGE_BUTTON},
        {"Body=Oui&MessageType=interactive&ListId=1", FLOW_MESSAGE_BUTTON},
        {"Body=&MessageType=interactive", FLOW_MESSAGE_UNREADABLE},
        {"Body=&MessageType=order", FLOW_MESSAGE_UNREADABLE},
        {"Body=Kinshasa&MessageType=edit", FLOW_MESSAGE_EDIT},
        {"Body=Kinshasa&MessageType=hologram", FLOW_MESSAGE_TEXT},
        /* What Twilio answers itself. */
        {"Body=Stop&OptOutType=STOP", FLOW_MESSAGE_OPT_OUT},
        {"Body=ARRET&OptOutType=Stop", FLOW_MESSAGE_OPT_OUT},
        {"Body=Start&OptOutType=START", FLOW_MESSAGE_OPT_IN},
        {"Body=Help&OptOutType=HELP", FLOW_MESSAGE_OPT_HELP},
        {"Body=Stop&OptOutType=", FLOW_MESSAGE_TEXT},
    };
    struct message message;
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sprintf(body, "From=whatsapp:%%2B243999999999&%s", rows[i].fields);
        assert_int_equal(parse(body, &message), TWILIO_MESSAGE);
        if (message.kind != rows[i].kind)
            fail_msg("%s: %d", rows[i].fields, (int)message.kind);
    }
}

static void a_swiped_reply_tells_whose_message_it_quotes(void **state)
{
    static const struct {
        const char *fields;
        size_t id_length;
        bool own;
    } rows[] = {
        {"", 0, false},
        {"OriginalRepliedMessageSid=SM7&OriginalRepliedMessageSender=whatsapp:%2B243999999999", 3,
         true},
        {"OriginalRepliedMessageSid=SM7&OriginalRepliedMessageSender=WhatsApp:243999999999", 3,
         true},
        {"OriginalRepliedMessageSid=SM7&OriginalRepliedMessageSender=whatsapp:%2B14155238886", 3,
         false},
        {"OriginalRepliedMessageSid=SM7", 3, false},
        {"OriginalRepliedMessageSender=", 0, false},
    };
    struct message message;
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sprintf(body, "From=whatsapp:%%2B243999999999&Body=Goma&%s", rows[i].fields);
        assert_int_equal(parse(body, &message), TWILIO_MESSAGE);
        assert_int_equal(message.kind, FLOW_MESSAGE_TEXT);
        if (message.quoted_id_length != rows[i].id_length || message.quotes_own != rows[i].own)
            fail_msg("%s: %zu, %d", rows[i].fields, message.quoted_id_length, message.quotes_own);
    }
}

static void a_status_or_a_thumb_is_no_message(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("MessageSid=SM1&MessageStatus=delivered&From=whatsapp:%2B14155238886&"
                           "To=whatsapp:%2B243999999999",
                           &message),
                     TWILIO_STATUS);
    assert_int_equal(parse("MessageSid=SM1&MessageStatus=read&From=whatsapp:%2B1999", &message),
                     TWILIO_STATUS);
    assert_int_equal(parse("SmsSid=SM1&SmsStatus=sent&Body=x&From=WhatsApp:14155238886", &message),
                     TWILIO_STATUS);
    assert_int_equal(parse("MessageStatus=sent&Body=Bonjour&From=whatsapp:%2B1999", &message),
                     TWILIO_MESSAGE);
    assert_int_equal(
        parse("MessageType=reaction&Body=%F0%9F%91%8D&From=whatsapp:%2B1999", &message),
        TWILIO_GESTURE);
}

static void a_form_without_a_clear_sender_is_no_message(void **state)
{
    static const char *const bodies[] = {
        "Body=x",
        "From=&Body=x",
        "From=whatsapp:&Body=x",
        "From=whatsapp:+&Body=x",
        "From=whatsapp:a%00b&Body=x",
        "From=whatsapp:a+b&Body=x",
        "From=whatsapp:%C3%A9&Body=x",
        "From=whatsapp:%ff&Body=x",
        "From=%ff&Body=x",
        "From=whatsapp:123456789012345678901&Body=x",
        "From=123456789012345678901&Body=x",
        "From=whatsapp:a&From=whatsapp:b&Body=x",
        "From=whatsapp:a&Body=x&Body=y",
        "From=whatsapp:a&Body=x&MessageSid=1&MessageSid=2",
        "From=whatsapp:a&Body=100%&MessageSid=1",
        "From=whatsapp:a%4&Body=x",
        "From=whatsapp:a&Body=x&OptOutType=%zz",
    };
    struct message message;
    char body[512];

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (parse(bodies[i], &message) != TWILIO_BAD)
            fail_msg("%s", bodies[i]);
    sprintf(body, "Body=x&From=whatsapp:CD.%0*d", 128, 1);
    assert_int_equal(parse(body, &message), TWILIO_MESSAGE);
    assert_int_equal(message.address_length, strlen("whatsapp:CD.") + 128);
    sprintf(body, "Body=x&From=whatsapp:CD.%0*d", MESSAGE_ADDRESS_MAX - 12, 1);
    assert_int_equal(parse(body, &message), TWILIO_BAD);
}

static void only_the_fields_that_count_are_judged(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=whatsapp:a&From=whatsapp:a&Body=Goma&Body=Goma&MessageSid=1&"
                           "ProfileName=Jean+%F0%9F%98&Label=%E9&Other=50%&Other=%zz&%ff=1",
                           &message),
                     TWILIO_MESSAGE);
    assert_memory_equal(message.text, "Goma", 4);
}

static void a_text_that_is_not_all_utf8_is_mended(void **state)
{
    struct message message;

    (void)state;
    assert_int_equal(parse("From=whatsapp:a&Body=Mb%E9ki+%F0%9F%98&Z=1", &message), TWILIO_MESSAGE);
    assert_int_equal(message.text_length, 11);
    assert_memory_equal(message.text, "Mb\xef\xbf\xbdki \xef\xbf\xbd", 11);
    assert_int_equal(message.kind, FLOW_MESSAGE_TEXT);
    assert_true(form.rest > message.text && form.rest <= storage + sizeof storage);
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
        cmocka_unit_test(a_broken_percent_sign_stays_and_is_known),
        cmocka_unit_test(bytes_that_are_no_utf8_stay_as_they_are),
        cmocka_unit_test(two_hundred_fields_fit_and_too_many_are_refused),
        cmocka_unit_test(random_forms_never_crash),
        cmocka_unit_test(a_message_is_found_in_the_form),
        cmocka_unit_test(a_message_needs_neither_id_nor_number),
        cmocka_unit_test(a_user_id_may_stand_beside_the_number),
        cmocka_unit_test(the_older_name_of_the_id_is_one_too),
        cmocka_unit_test(one_person_is_one_however_the_number_is_written),
        cmocka_unit_test(who_writes_elsewhere_is_nobody_on_whatsapp),
        cmocka_unit_test(each_kind_is_known),
        cmocka_unit_test(a_swiped_reply_tells_whose_message_it_quotes),
        cmocka_unit_test(a_status_or_a_thumb_is_no_message),
        cmocka_unit_test(a_form_without_a_clear_sender_is_no_message),
        cmocka_unit_test(only_the_fields_that_count_are_judged),
        cmocka_unit_test(a_text_that_is_not_all_utf8_is_mended),
        cmocka_unit_test(twiml_is_escaped_and_keeps_what_xml_can_hold),
        cmocka_unit_test(nothing_to_say_is_an_empty_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
