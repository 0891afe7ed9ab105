/* Replies as text, buttons or a list, whatever Meta's limits allow. */
#include "server/channels/meta/reply.h"

#include "server/channels/meta/message.h"
#include <jansson.h>
#include <string.h>
#include <unistr.h>

/* Meta's limits, in characters. */
#define BODY_MAX 1024 /* of a message with options; a text may have more than any reply of ours */
#define BUTTONS_MAX 3
#define BUTTON_MAX 20
#define ROWS_MAX 10
#define ROW_MAX 24
/* What opens the list, in French as in English. */
#define LIST_BUTTON "Menu"

/* In UTF-16 units, the stricter count. */
static size_t count_characters(const char *text, size_t length)
{
    size_t units = 0;

    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)text[i];

        units += (size_t)((byte & 0xc0) != 0x80) + (size_t)(byte >= 0xf0);
    }
    return units;
}

static bool fit(const struct flow_option *options, size_t count, size_t count_max, size_t label_max)
{
    for (size_t i = 0; i < count; i++)
        if (count_characters(options[i].label, strlen(options[i].label)) > label_max)
            return false;
    return count > 0 && count <= count_max;
}

static json_t *button(const struct flow_option *option)
{
    return json_pack("{s:s, s:{s:s, s:s}}", "type", "reply", "reply", "id", option->id, "title",
                     option->label);
}

static json_t *row(const struct flow_option *option)
{
    return json_pack("{s:s, s:s}", "id", option->id, "title", option->label);
}

static json_t *array(const struct flow_option *options, size_t count,
                     json_t *(*item)(const struct flow_option *option))
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, item(&options[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* "interactive" with its content, or "text". NULL when out of memory. */
static json_t *content(const struct flow_option *options, size_t count, const char *text,
                       size_t length, const char **type)
{
    const bool room = count_characters(text, length) <= BODY_MAX;

    *type = "interactive";
    if (room && fit(options, count, BUTTONS_MAX, BUTTON_MAX))
        return json_pack("{s:s, s:{s:s%}, s:{s:o}}", "type", "button", "body", "text", text, length,
                         "action", "buttons", array(options, count, button));
    if (room && fit(options, count, ROWS_MAX, ROW_MAX))
        return json_pack("{s:s, s:{s:s%}, s:{s:s, s:[{s:o}]}}", "type", "list", "body", "text",
                         text, length, "action", "button", LIST_BUTTON, "sections", "rows",
                         array(options, count, row));
    *type = "text";
    return json_pack("{s:s%, s:b}", "body", text, length, "preview_url", 0);
}

/* A number stands in "to", without its plus; who hides it is a "recipient". */
static int add_recipient(json_t *json, const struct message *message)
{
    const bool is_hidden = message->phone_number[0] == '\0';

    return json_object_set_new(
        json, is_hidden ? "recipient" : "to",
        json_string(is_hidden ? message_user_id(message) : message->phone_number + 1));
}

char *meta_reply_write(const struct flow *flow, const struct conversation *conversation,
                       const struct message *message, const char *text, size_t length,
                       size_t *json_length)
{
    struct flow_option options[FLOW_OPTIONS_MAX];
    const size_t count = conversation == NULL ? 0 : flow_options(flow, conversation, options);
    const char *type;
    json_t *inner = content(options, count, text, length, &type);
    json_t *json = inner == NULL
                       ? NULL
                       : json_pack("{s:s, s:s, s:s, s:o}", "messaging_product", "whatsapp",
                                   "recipient_type", "individual", "type", type, type, inner);
    char *written = NULL;

    if (json != NULL && add_recipient(json, message) == 0)
        written = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    explicit_bzero(options, count * sizeof *options); /* names among them */
    *json_length = written == NULL ? 0 : strlen(written);
    return written;
}
