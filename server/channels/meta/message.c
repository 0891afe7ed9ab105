/* Reads Meta's JSON piece by piece: who wrote, and when. Whether Meta wrote the JSON is checked
 * before. */
#include "server/channels/meta/message.h"

#include "server/channels/meta/content.h"
#include "server/channels/meta/json.h"
#include "server/channels/meta/message_order.h"
#include "server/channels/meta/person.h"
#include "server/channels/repair.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 512
/* Of a value, that are searched for whose a message is. */
#define CONTACTS_MAX 64

struct reader {
    const struct meta_filter *filter;
    struct meta_batch *batch;
    size_t capacity;      /* messages that there is room for */
    size_t move_capacity; /* the same of moves */
    bool out_of_memory;
    char *text; /* the rest of the caller's */
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

/* Moves a string of the JSON, which does not live long, to the caller's text. Decoded it is never
 * longer than it was in the body. */
static const char *keep(struct reader *reader, const char *string, size_t length)
{
    char *kept = reader->text;

    memcpy(kept, string, length);
    reader->text += length;
    return kept;
}

/* Each of number and user id as the message says it, else as its contact does. */
static int read_person(const json_t *json, const json_t *contact, struct message *message)
{
    size_t number_length, user_id_length;
    const char *number = meta_number_read(json, "from", &number_length);
    const char *user_id = meta_user_id_read(json, "from_user_id", &user_id_length);

    if (number == NULL)
        number = meta_number_read(contact, "wa_id", &number_length);
    if (user_id == NULL)
        user_id = meta_user_id_read(contact, "user_id", &user_id_length);
    if (number == NULL && user_id == NULL)
        return -1;
    if (number != NULL)
        snprintf(message->phone_number, sizeof message->phone_number, "+%s", number);
    message->scheme_length = sizeof META_SCHEME - 1;
    message->address_length =
        (size_t)snprintf(message->address, sizeof message->address, META_SCHEME "%s",
                         user_id != NULL ? user_id : message->phone_number);
    return 0;
}

/* Whether a message names nobody, or this contact. */
static bool may_be_from(const json_t *message, const json_t *contact)
{
    const json_t *number = json_object_get(message, "from");
    const json_t *user_id = json_object_get(message, "from_user_id");

    return (number == NULL || json_equal(number, json_object_get(contact, "wa_id"))) &&
           (user_id == NULL || json_equal(user_id, json_object_get(contact, "user_id")));
}

/* Who wrote all messages of a value, as far as its contacts tell; NULL when they are of several. */
static const json_t *sole_contact(const json_t *value)
{
    const json_t *contacts = json_object_get(value, "contacts");
    const json_t *contact = json_array_get(contacts, 0), *message;
    size_t i;

    if (json_array_size(contacts) != 1)
        return NULL;
    json_array_foreach(json_object_get(value, "messages"), i, message)
    {
        if (!may_be_from(message, contact))
            return NULL;
    }
    return contact;
}

/* The contact that a message names; one that names nobody is the sole contact's. NULL: none. */
static const json_t *contact_of(const json_t *value, const json_t *message, const json_t *sole)
{
    const json_t *contact;
    size_t i;

    if (sole != NULL ||
        (!json_object_get(message, "from") && !json_object_get(message, "from_user_id")))
        return sole;
    json_array_foreach(json_object_get(value, "contacts"), i, contact)
    {
        if (i < CONTACTS_MAX && may_be_from(message, contact))
            return contact;
    }
    return NULL;
}

/* Seconds since 1970, in a text; 0 without any. */
static int64_t read_sent_s(const json_t *json)
{
    const json_t *value = json_object_get(json, "timestamp");
    size_t length;
    const char *text = meta_json_text(json, "timestamp", &length);

    if (json_is_integer(value))
        return json_integer_value(value);
    return text != NULL && meta_is_number(text, length) && length <= 18 ? strtoll(text, NULL, 10)
                                                                        : 0;
}

/* Whether a message's sender stands in its context too: as number or as user id. */
static bool is_own(const json_t *context, const json_t *json, const json_t *contact)
{
    const json_t *const people[] = {
        json_object_get(json, "from"),
        json_object_get(json, "from_user_id"),
        json_object_get(contact, "wa_id"),
        json_object_get(contact, "user_id"),
    };
    const json_t *const quoted[] = {
        json_object_get(context, "from"),
        json_object_get(context, "from_user_id"),
    };

    for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++)
        for (size_t j = 0; json_is_string(quoted[i]) && j < sizeof people / sizeof *people; j++)
            if (json_equal(quoted[i], people[j]))
                return true;
    return false;
}

/* To which message this one replies by a swipe. What is forwarded has a context without an id. */
static void read_quoted(struct reader *reader, const json_t *json, const json_t *contact,
                        struct message *message)
{
    const json_t *context = json_object_get(json, "context");
    size_t length;
    const char *id = meta_json_text(context, "id", &length);

    if (id == NULL || length > ID_MAX)
        return;
    message->quoted_id = keep(reader, id, length);
    message->quoted_id_length = length;
    message->quotes_own = is_own(context, json, contact);
    message->quotes_ours = !message->quotes_own;
}

/* Returns 0, or -1 when memory ran out. */
static int add_move(struct reader *reader, const struct meta_move *move)
{
    struct meta_batch *batch = reader->batch;

    if (batch->move_count == reader->move_capacity) {
        const size_t capacity = 2 * reader->move_capacity + 1;
        struct meta_move *larger = realloc(batch->moves, capacity * sizeof *larger);
        if (larger == NULL)
            return -1;
        batch->moves = larger;
        reader->move_capacity = capacity;
    }
    batch->moves[batch->move_count++] = *move;
    return 0;
}

/* A message of the system's: somebody has another number or user id, or it means nothing to us.
 * Without its time nobody knows whose the number was. */
static void read_system(struct reader *reader, const json_t *json, const char *id, size_t id_length)
{
    struct meta_ignored *ignored = &reader->batch->ignored;
    struct meta_move move;

    if (meta_move_read(json, &move) != 0) {
        ignored->unknown++;
        return;
    }
    move.sent_s = read_sent_s(json);
    if (move.sent_s <= 0) {
        ignored->malformed++;
        return;
    }
    move.id = keep(reader, id, id_length);
    move.id_length = id_length;
    if (add_move(reader, &move) != 0)
        reader->out_of_memory = true;
}

static void read_message(struct reader *reader, const json_t *json, const json_t *contact)
{
    struct meta_ignored *ignored = &reader->batch->ignored;
    struct message *message = &reader->batch->messages[reader->batch->count];
    struct meta_content content;
    size_t id_length;

    memset(message, 0, sizeof *message);
    const char *id = meta_json_text(json, "id", &id_length);
    if (id == NULL || id_length > ID_MAX || !json_is_string(json_object_get(json, "type")))
        ignored->malformed++;
    else if (meta_json_is(json_object_get(json, "type"), "system"))
        read_system(reader, json, id, id_length);
    else if (meta_content_read(json, &content) != 0)
        ignored->unknown++;
    else if (read_person(json, contact, message) != 0)
        ignored->malformed++;
    else if ((message->sent_s = read_sent_s(json)) != 0 &&
             message->sent_s < reader->filter->oldest_s)
        ignored->old++;
    else {
        message->id = keep(reader, id, id_length);
        message->id_length = id_length;
        message->kind = content.kind;
        message->text = content.length > 0 ? keep(reader, content.text, content.length) : "";
        message->text_length = content.length;
        read_quoted(reader, json, contact, message);
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

    if (!meta_json_is(json_object_get(change, "field"), "messages")) {
        ignored->unknown++;
        return 0;
    }
    if (!meta_json_is(json_object_get(metadata, "phone_number_id"),
                      reader->filter->phone_number_id)) {
        ignored->foreign += json_array_size(messages);
        return 0;
    }
    meta_report_read(&reader->batch->report, value);
    if (make_room(reader, json_array_size(messages)) != 0)
        return -1;
    const json_t *sole = sole_contact(value);
    json_array_foreach(messages, i, json) read_message(reader, json, contact_of(value, json, sole));
    return reader->out_of_memory ? -1 : 0;
}

static int read_root(struct reader *reader, const json_t *root)
{
    const json_t *entry, *change;
    size_t i, j;

    if (!meta_json_is(json_object_get(root, "object"), "whatsapp_business_account")) {
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

/* NULL with *reason (static). */
static json_t *load(const char *body, size_t length, const char **reason)
{
    if (!is_within_limits(body, length)) {
        *reason = "the JSON is nested too deep or holds too many values";
        return NULL;
    }
    *reason = "expected JSON";
    return json_loadb(body, length, JSON_ALLOW_NUL, NULL);
}

/* Once more, with what may be broken in it mended. */
static json_t *load_repaired(const char *body, size_t length, const char **reason)
{
    char *repaired = malloc(REPAIR_MAX(length) + 1);

    if (repaired == NULL) {
        *reason = "out of memory";
        return NULL;
    }
    length = repair_json(body, length, repaired);
    json_t *root = load(repaired, length, reason);
    OPENSSL_cleanse(repaired, length);
    free(repaired);
    return root;
}

int meta_read(const char *body, size_t body_length, const struct meta_filter *filter, char *text,
              struct meta_batch *batch, const char **reason)
{
    struct reader reader = {.filter = filter, .batch = batch, .text = text};

    *batch = (struct meta_batch){0};
    json_t *root = load(body, body_length, reason);
    if (root == NULL)
        root = load_repaired(body, body_length, reason);
    if (root == NULL)
        return -1;
    int status = read_root(&reader, root);
    json_decref(root);
    batch->text_length = (size_t)(reader.text - text);
    if (status == 0)
        status = messages_drop_repeated(batch->messages, &batch->count, &batch->ignored.repeated);
    if (status == 0)
        status = messages_put_in_order(batch->messages, batch->count);
    moves_put_in_order(batch->moves, batch->move_count);
    if (status != 0 || batch->count == 0) {
        free(batch->messages);
        batch->messages = NULL;
        batch->count = 0;
    }
    if (status != 0) {
        free(batch->moves);
        batch->moves = NULL;
        batch->move_count = 0;
    }
    *reason = status == 0 ? NULL : "out of memory";
    return status;
}
