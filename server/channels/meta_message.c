/* Reads Meta's JSON piece by piece. Whether Meta wrote it is checked before; what the messages do
 * is left to the exchange. */
#include "server/channels/meta_message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define COUNTRY_LENGTH 2 /* a user id begins so: CD.1234 */
#define ID_MAX 512

struct reader {
    const struct meta_filter *filter;
    struct meta_batch *batch;
    size_t capacity; /* messages that there is room for */
    char *text;      /* the rest of the caller's */
};

/* Whether the brackets and commas outside of strings stay within the limits. Not whether this is
 * JSON: jansson says that, with memory for each value, so it is asked afterwards. */
static bool is_within_limits(const char *body, size_t length)
{
    size_t depth = 0, values = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        const char c = body[i];

        if (c == '"')
            in_string = !in_string;
        else if (in_string)
            i += c == '\\';
        else if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        else if (c == ',')
            values++;
        if (depth > META_DEPTH_MAX || values > META_VALUES_MAX)
            return false;
    }
    return true;
}

static const char *get_string(const json_t *object, const char *key, size_t *length)
{
    const json_t *value = json_object_get(object, key);

    *length = json_string_length(value);
    return *length > 0 ? json_string_value(value) : NULL;
}

static bool is_string(const json_t *value, const char *expected)
{
    return json_is_string(value) && json_string_length(value) == strlen(expected) &&
           strcmp(json_string_value(value), expected) == 0;
}

/* Moves a string of the JSON, which does not live long, to the caller's text. Decoded it is never
 * longer than it was in the body. */
static const char *keep(struct reader *reader, const char *string, size_t length)
{
    char *kept = reader->text;

    memcpy(kept, string, length);
    reader->text += length;
    return kept;
}

static bool is_number(const char *text, size_t length)
{
    return length > 0 && strspn(text, "0123456789") == length;
}

/* CD.1234, or CD.ENT.1234. */
static bool is_user_id(const char *text, size_t length)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return length > COUNTRY_LENGTH + 1 && strspn(text, letters) == COUNTRY_LENGTH &&
           text[COUNTRY_LENGTH] == '.' && strspn(text, others) == length;
}

static int set_address(struct message *message, const char *sign, const char *text, size_t length)
{
    const size_t scheme = sizeof META_SCHEME - 1, more = strlen(sign);

    if (scheme + more + length > MESSAGE_ADDRESS_MAX)
        return -1;
    memcpy(message->address, META_SCHEME, scheme);
    memcpy(message->address + scheme, sign, more);
    memcpy(message->address + scheme + more, text, length);
    message->scheme_length = scheme;
    message->address_length = scheme + more + length;
    message->address[message->address_length] = '\0';
    return 0;
}

/* The number, or for somebody who hides it the user id. */
static int read_sender(const json_t *json, struct message *message)
{
    size_t length;
    const char *text = get_string(json, "from", &length);

    if (text != NULL && is_number(text, length))
        return set_address(message, "+", text, length);
    if (text == NULL)
        text = get_string(json, "from_user_id", &length);
    return text != NULL && is_user_id(text, length) ? set_address(message, "", text, length) : -1;
}

/* Seconds since 1970, in a text; 0 without any. */
static int64_t read_sent_s(const json_t *json)
{
    const json_t *value = json_object_get(json, "timestamp");
    size_t length;
    const char *text = get_string(json, "timestamp", &length);

    if (json_is_integer(value))
        return json_integer_value(value);
    return text != NULL && is_number(text, length) && length <= 18 ? strtoll(text, NULL, 10) : 0;
}

static void say(struct reader *reader, struct message *message, const char *text, size_t length)
{
    message->kind = length > 0 ? FLOW_MESSAGE_TEXT : FLOW_MESSAGE_MEDIA;
    message->text = length > 0 ? keep(reader, text, length) : "";
    message->text_length = length;
}

static void read_text(struct reader *reader, const json_t *json, struct message *message)
{
    size_t length;
    const char *text = get_string(json_object_get(json, "text"), "body", &length);

    say(reader, message, text, length);
}

/* The button of a template: what stands on it. */
static void read_button(struct reader *reader, const json_t *json, struct message *message)
{
    size_t length;
    const char *text = get_string(json_object_get(json, "button"), "text", &length);

    say(reader, message, text, length);
}

/* A button or row of ours: its id. Without one what stands on it. */
static void read_interactive(struct reader *reader, const json_t *json, struct message *message)
{
    const json_t *interactive = json_object_get(json, "interactive");
    const json_t *reply = json_object_get(interactive, "button_reply");
    const char *text;
    size_t length;

    if (!json_is_object(reply))
        reply = json_object_get(interactive, "list_reply");
    text = get_string(reply, "id", &length);
    if (text != NULL) {
        say(reader, message, text, length);
        message->kind = FLOW_MESSAGE_OPTION;
        return;
    }
    text = get_string(reply, "title", &length);
    say(reader, message, text, length);
}

/* A picture, a voice note, a place. */
static void read_nothing(struct reader *reader, const json_t *json, struct message *message)
{
    (void)json;
    say(reader, message, NULL, 0);
}

/* Everything else, a thumb on one of our messages for instance, asks for no answer. */
static const struct kind {
    const char *name;
    void (*read)(struct reader *reader, const json_t *json, struct message *message);
} kinds[] = {
    {"text", read_text},        {"button", read_button},    {"interactive", read_interactive},
    {"image", read_nothing},    {"audio", read_nothing},    {"video", read_nothing},
    {"voice", read_nothing},    {"document", read_nothing}, {"sticker", read_nothing},
    {"location", read_nothing}, {"contacts", read_nothing}, {"unsupported", read_nothing},
};

static const struct kind *kind_find(const json_t *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_string(type, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static void read_message(struct reader *reader, const json_t *json)
{
    struct meta_ignored *ignored = &reader->batch->ignored;
    struct message *message = &reader->batch->messages[reader->batch->count];
    const json_t *type = json_object_get(json, "type");
    const struct kind *kind = kind_find(type);
    const char *id;
    size_t id_length;

    memset(message, 0, sizeof *message);
    id = get_string(json, "id", &id_length);
    if (id == NULL || id_length > ID_MAX || !json_is_string(type))
        ignored->malformed++;
    else if (kind == NULL)
        ignored->unknown++;
    else if (read_sender(json, message) != 0)
        ignored->malformed++;
    else if ((message->sent_s = read_sent_s(json)) != 0 &&
             message->sent_s < reader->filter->oldest_s)
        ignored->old++;
    else {
        message->id = keep(reader, id, id_length);
        message->id_length = id_length;
        kind->read(reader, json, message);
        reader->batch->count++;
    }
}

static int make_room(struct reader *reader, size_t more)
{
    struct meta_batch *batch = reader->batch;
    size_t needed = batch->count + more;
    struct message *larger;

    if (needed <= reader->capacity)
        return 0;
    if (needed < 2 * reader->capacity)
        needed = 2 * reader->capacity;
    larger = realloc(batch->messages, needed * sizeof *larger);
    if (larger == NULL)
        return -1;
    batch->messages = larger;
    reader->capacity = needed;
    return 0;
}

static int read_change(struct reader *reader, const json_t *change)
{
    struct meta_ignored *ignored = &reader->batch->ignored;
    const json_t *value = json_object_get(change, "value");
    const json_t *messages = json_object_get(value, "messages");
    const json_t *metadata = json_object_get(value, "metadata");
    const json_t *json;
    size_t i;

    if (!is_string(json_object_get(change, "field"), "messages")) {
        ignored->unknown++;
        return 0;
    }
    if (!is_string(json_object_get(metadata, "phone_number_id"), reader->filter->phone_number_id)) {
        ignored->foreign += json_array_size(messages);
        return 0;
    }
    ignored->statuses += json_array_size(json_object_get(value, "statuses"));
    if (make_room(reader, json_array_size(messages)) != 0)
        return -1;
    json_array_foreach(messages, i, json) read_message(reader, json);
    return 0;
}

static int read_root(struct reader *reader, const json_t *root)
{
    const json_t *entry, *change;
    size_t i, j;

    if (!is_string(json_object_get(root, "object"), "whatsapp_business_account")) {
        reader->batch->ignored.unknown++;
        return 0;
    }
    json_array_foreach(json_object_get(root, "entry"), i, entry)
    {
        json_array_foreach(json_object_get(entry, "changes"), j, change)
        {
            if (read_change(reader, change) != 0)
                return -1;
        }
    }
    return 0;
}

/* By id, then in the order in which they came. */
static int compare_ids(const void *left, const void *right)
{
    const struct message *a = *(const struct message *const *)left;
    const struct message *b = *(const struct message *const *)right;
    const size_t shorter = a->id_length < b->id_length ? a->id_length : b->id_length;
    int order = memcmp(a->id, b->id, shorter);

    if (order == 0)
        order = (a->id_length > b->id_length) - (a->id_length < b->id_length);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool has_same_id(const struct message *a, const struct message *b)
{
    return a->id_length == b->id_length && memcmp(a->id, b->id, a->id_length) == 0;
}

/* Leaves the first message of each id. Returns 0 or -1. */
static int drop_repeated(struct meta_batch *batch)
{
    struct message **sorted;
    size_t kept = 0;

    if (batch->count < 2)
        return 0;
    sorted = malloc(batch->count * sizeof *sorted);
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < batch->count; i++)
        sorted[i] = &batch->messages[i];
    qsort(sorted, batch->count, sizeof *sorted, compare_ids);
    for (size_t i = batch->count - 1; i > 0; i--)
        if (has_same_id(sorted[i - 1], sorted[i]))
            sorted[i]->address_length = 0; /* none has that */
    free(sorted);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->messages[i].address_length > 0)
            batch->messages[kept++] = batch->messages[i];
    batch->ignored.repeated = batch->count - kept;
    batch->count = kept;
    return 0;
}

int meta_read(const char *body, size_t body_length, const struct meta_filter *filter, char *text,
              struct meta_batch *batch, const char **reason)
{
    struct reader reader = {.filter = filter, .batch = batch, .text = text};
    json_t *root;
    int status;

    *batch = (struct meta_batch){0};
    if (!is_within_limits(body, body_length)) {
        *reason = "the JSON is nested too deep or holds too many values";
        return -1;
    }
    root = json_loadb(body, body_length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (root == NULL) {
        *reason = "expected JSON";
        return -1;
    }
    status = read_root(&reader, root);
    json_decref(root);
    if (status == 0)
        status = drop_repeated(batch);
    if (status != 0 || batch->count == 0) {
        free(batch->messages);
        batch->messages = NULL;
        batch->count = 0;
    }
    *reason = status == 0 ? NULL : "out of memory";
    return status;
}
