/* Reads Twilio's form by what its documentation of incoming messages says. Whether Twilio posted it
 * is checked before. */
#include "server/channels/twilio/message.h"

#include "server/channels/repair.h"
#include <string.h>
#include <strings.h>
#include <unistr.h>

#define NUMBER_MAX 20 /* digits; the plan of numbers has 15 at most */

/* The fields that are used, and why one of them cannot be. */
struct field {
    const char *name;
    size_t length;
    const char *twice, *half;
};
#define FIELD(name)                                                                    \
    {                                                                                  \
        name, sizeof name - 1, name " stands twice", name " holds half a percent sign" \
    }
enum {
    FROM,
    BODY,
    MESSAGE_SID,
    SMS_SID,
    MESSAGE_STATUS,
    MESSAGE_TYPE,
    MEDIA_TYPE,
    BUTTON_PAYLOAD,
    LIST_ID,
    LATITUDE,
    OPT_OUT_TYPE,
    QUOTED_SID,
    QUOTED_SENDER,
    USER_ID,
    FIELD_COUNT
};
static const struct field fields[FIELD_COUNT] = {
    [FROM] = FIELD("From"),
    [BODY] = FIELD("Body"),
    [MESSAGE_SID] = FIELD("MessageSid"),
    [SMS_SID] = FIELD("SmsSid"),
    [MESSAGE_STATUS] = FIELD("MessageStatus"),
    [MESSAGE_TYPE] = FIELD("MessageType"),
    [MEDIA_TYPE] = FIELD("MediaContentType0"),
    [BUTTON_PAYLOAD] = FIELD("ButtonPayload"),
    [LIST_ID] = FIELD("ListId"),
    [LATITUDE] = FIELD("Latitude"),
    [OPT_OUT_TYPE] = FIELD("OptOutType"),
    [QUOTED_SID] = FIELD("OriginalRepliedMessageSid"),
    [QUOTED_SENDER] = FIELD("OriginalRepliedMessageSender"),
    [USER_ID] = FIELD("ExternalUserId"),
};

static bool is_same(struct form_text a, struct form_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static bool is(struct form_text text, const char *expected)
{
    return text.length == strlen(expected) && strncasecmp(text.bytes, expected, text.length) == 0;
}

static bool begins(struct form_text text, const char *expected)
{
    const size_t length = strlen(expected);

    return text.length >= length && strncasecmp(text.bytes, expected, length) == 0;
}

/* The values of the fields that are used. Returns 0, or -1 with *reason. */
static int read_fields(const struct form *form, struct form_text values[FIELD_COUNT],
                       const char **reason)
{
    bool seen[FIELD_COUNT] = {false};

    memset(values, 0, FIELD_COUNT * sizeof *values);
    for (size_t i = 0; i < form->count; i++)
        for (size_t j = 0; j < FIELD_COUNT; j++) {
            const struct form_field *field = &form->fields[i];

            if (field->key.length != fields[j].length ||
                memcmp(field->key.bytes, fields[j].name, field->key.length) != 0)
                continue;
            if (field->broken)
                *reason = fields[j].half;
            else if (seen[j] && !is_same(values[j], field->value))
                *reason = fields[j].twice;
            if (*reason != NULL)
                return -1;
            seen[j] = true;
            values[j] = field->value;
        }
    return 0;
}

/* From, taken apart: with a scheme or without, then a number or an id. */
struct author {
    bool on_whatsapp;
    bool plus; /* it is a number, whose plus sign is to be put in front */
    struct form_text person;
};

/* A plus sign that nobody encoded (curl -d 'From=whatsapp:+243…') arrives as a space, and is one
 * again; one that was left out is put back. Returns 0, or -1 with *reason. */
static int read_author(struct form_text from, struct author *author, const char **reason)
{
    const size_t scheme = sizeof TWILIO_SCHEME - 1;
    struct form_text person = from;
    size_t digits = 0;

    *author = (struct author){.on_whatsapp = begins(from, TWILIO_SCHEME)};
    if (author->on_whatsapp) {
        person.bytes += scheme;
        person.length -= scheme;
    }
    if (person.length > 0 && person.bytes[0] == ' ') {
        author->plus = true;
        person.bytes++;
        person.length--;
    }
    for (size_t i = 0; i < person.length; i++) {
        digits += person.bytes[i] >= '0' && person.bytes[i] <= '9';
        if (person.bytes[i] <= ' ' || person.bytes[i] > '~')
            *reason = "From holds what no address does";
    }
    if (person.length == 0)
        *reason = "From is missing";
    else if (scheme + 1 + person.length > MESSAGE_ADDRESS_MAX ||
             (digits == person.length && digits > NUMBER_MAX))
        *reason = "From is too long";
    author->plus = author->plus || digits == person.length;
    author->person = person;
    return *reason == NULL ? 0 : -1;
}

/* The user id beside a number, as "CD.1234" or with a scheme; length 0 when that is none. */
static struct form_text read_user_id(struct form_text text)
{
    if (begins(text, TWILIO_SCHEME)) {
        text.bytes += sizeof TWILIO_SCHEME - 1;
        text.length -= sizeof TWILIO_SCHEME - 1;
    }
    if (text.length == 0 || text.length > MESSAGE_ADDRESS_MAX - (sizeof TWILIO_SCHEME - 1) ||
        text.bytes[0] < 'A' || text.bytes[0] > 'Z')
        return (struct form_text){"", 0};
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] <= ' ' || text.bytes[i] > '~')
            return (struct form_text){"", 0};
    return text;
}

/* Appends a text to another one that has room for it, and a NUL. */
static char *append(char *out, struct form_text text)
{
    out = mempcpy(out, text.bytes, text.length);
    *out = '\0';
    return out;
}

/* From is the number, or for who hides it the user id. */
static void set_person(struct message *message, const struct author *author,
                       struct form_text user_id)
{
    const size_t scheme = sizeof TWILIO_SCHEME - 1;
    char *out = mempcpy(message->address, TWILIO_SCHEME, scheme);
    char *number = message->phone_number;

    if (author->plus)
        *number++ = '+';
    append(number, author->person);
    if (message->phone_number[0] != '+')
        message->phone_number[0] = '\0';
    if (message->phone_number[0] != '+' || user_id.length == 0) {
        if (author->plus)
            *out++ = '+';
        user_id = author->person;
    }
    out = append(out, user_id);
    message->scheme_length = scheme;
    message->address_length = (size_t)(out - message->address);
}

/* The digits of a number, without scheme and plus sign. */
static struct form_text bare(struct form_text number)
{
    static const char *const heads[] = {TWILIO_SCHEME, "+", " "};

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (begins(number, heads[i])) {
            number.bytes += strlen(heads[i]);
            number.length -= strlen(heads[i]);
        }
    return number;
}

/* A callback that somebody pointed at the address for messages: of one of ours, with its status. */
static bool is_status(const struct form_text values[FIELD_COUNT], const char *our_number)
{
    if (values[MESSAGE_STATUS].length > 0 && values[BODY].length == 0)
        return true;
    return our_number != NULL &&
           is_same(bare(values[FROM]), bare((struct form_text){our_number, strlen(our_number)}));
}

/* As Meta names them, on whose platform Twilio stands. */
static bool is_gesture(struct form_text type)
{
    static const char *const gestures[] = {
        "reaction",     "revoke",        "delete",      "pin",
        "keep_in_chat", "poll_creation", "poll_update", "call_permission_reply",
        "group_invite", "system",
    };

    for (size_t i = 0; i < sizeof gestures / sizeof *gestures; i++)
        if (is(type, gestures[i]))
            return true;
    return false;
}

/* By the type of the message, and without one by that of what it brings. The caption of a picture
 * or film is text; the name of a document or place is not. */
static enum flow_message_kind content_kind(const struct form_text values[FIELD_COUNT])
{
    static const struct {
        const char *type;
        enum flow_message_kind kind;
    } types[] = {
        {"image", FLOW_MESSAGE_TEXT},
        {"video", FLOW_MESSAGE_TEXT},
        {"audio", FLOW_MESSAGE_VOICE},
        {"voice", FLOW_MESSAGE_VOICE},
        {"document", FLOW_MESSAGE_MEDIA},
        {"sticker", FLOW_MESSAGE_MEDIA},
        {"location", FLOW_MESSAGE_MEDIA},
        {"contacts", FLOW_MESSAGE_MEDIA},
        {"contact", FLOW_MESSAGE_MEDIA},
        {"button", FLOW_MESSAGE_BUTTON},
        {"interactive", FLOW_MESSAGE_UNREADABLE},
        {"order", FLOW_MESSAGE_UNREADABLE},
        {"unsupported", FLOW_MESSAGE_UNREADABLE},
        {"unknown", FLOW_MESSAGE_UNREADABLE},
        {"ephemeral", FLOW_MESSAGE_UNREADABLE},
        {"edit", FLOW_MESSAGE_EDIT},
    };
    const struct form_text media = values[MEDIA_TYPE];

    if (values[BUTTON_PAYLOAD].length > 0 || values[LIST_ID].length > 0)
        return FLOW_MESSAGE_BUTTON;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is(values[MESSAGE_TYPE], types[i].type))
            return types[i].kind;
    if (begins(media, "audio/"))
        return FLOW_MESSAGE_VOICE;
    if ((media.length > 0 && !begins(media, "image/") && !begins(media, "video/")) ||
        values[LATITUDE].length > 0)
        return FLOW_MESSAGE_MEDIA;
    return FLOW_MESSAGE_TEXT;
}

/* What Twilio took for a STOP, START or HELP, and answered itself. */
static enum flow_message_kind message_kind(const struct form_text values[FIELD_COUNT])
{
    if (is(values[OPT_OUT_TYPE], "STOP"))
        return FLOW_MESSAGE_OPT_OUT;
    if (is(values[OPT_OUT_TYPE], "START"))
        return FLOW_MESSAGE_OPT_IN;
    if (is(values[OPT_OUT_TYPE], "HELP"))
        return FLOW_MESSAGE_OPT_HELP;
    enum flow_message_kind kind = content_kind(values);
    return kind == FLOW_MESSAGE_TEXT && values[BODY].length == 0 ? FLOW_MESSAGE_MEDIA : kind;
}

/* The Body, where it is not all UTF-8 mended in the storage behind the form. */
static struct form_text take_body(struct form *form, struct form_text body)
{
    char *mended = form->rest;

    if (body.length == 0)
        return (struct form_text){"", 0};
    if (u8_check((const uint8_t *)body.bytes, body.length) == NULL)
        return body;
    body.length = repair_utf8(body.bytes, body.length, mended);
    form->rest += body.length;
    return (struct form_text){mended, body.length};
}

enum twilio_post twilio_read(struct form *form, const char *our_number, struct message *message,
                             const char **reason)
{
    struct form_text values[FIELD_COUNT];
    struct author author;

    *reason = NULL;
    *message = (struct message){0};
    if (read_fields(form, values, reason) != 0)
        return TWILIO_BAD;
    if (is_status(values, our_number))
        return TWILIO_STATUS;
    if (read_author(values[FROM], &author, reason) != 0)
        return TWILIO_BAD;
    if (!author.on_whatsapp)
        return TWILIO_ELSEWHERE;
    if (is_gesture(values[MESSAGE_TYPE]))
        return TWILIO_GESTURE;
    set_person(message, &author, read_user_id(values[USER_ID]));
    struct form_text id = values[MESSAGE_SID].length > 0 ? values[MESSAGE_SID] : values[SMS_SID];
    struct form_text body = take_body(form, values[BODY]);
    message->id = id.bytes;
    message->id_length = id.length;
    message->text = body.bytes;
    message->text_length = body.length;
    message->kind = message_kind(values);
    message->quoted_id = values[QUOTED_SID].bytes;
    message->quoted_id_length = values[QUOTED_SID].length;
    message->quotes_own = values[QUOTED_SENDER].length > 0 &&
                          is_same(bare(values[QUOTED_SENDER]), bare(values[FROM]));
    return TWILIO_MESSAGE;
}
