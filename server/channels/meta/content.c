/* Kinds of messages, by Meta's reference of the messages webhook. */
#include "server/channels/meta/content.h"

#include "server/channels/meta/json.h"

/* Something without words; with an empty text it is the same. */
static int say(struct meta_content *content, enum flow_message_kind kind, const json_t *object,
               const char *key)
{
    content->text = meta_json_text(object, key, &content->length);
    content->kind = content->length > 0 ? kind : FLOW_MESSAGE_MEDIA;
    return 0;
}

static int read_text(const json_t *inside, struct meta_content *content)
{
    return say(content, FLOW_MESSAGE_TEXT, inside, "body");
}

/* A picture or a film: what is written below it. A document's caption is its name. */
static int read_caption(const json_t *inside, struct meta_content *content)
{
    return say(content, FLOW_MESSAGE_TEXT, inside, "caption");
}

/* The button of a template: what stands on it. We send no templates. */
static int read_button(const json_t *inside, struct meta_content *content)
{
    say(content, FLOW_MESSAGE_BUTTON, inside, "text");
    if (content->length == 0)
        say(content, FLOW_MESSAGE_BUTTON, inside, "payload");
    content->kind = FLOW_MESSAGE_BUTTON;
    return 0;
}

static int read_unreadable(const json_t *inside, struct meta_content *content)
{
    (void)inside;
    content->kind = FLOW_MESSAGE_UNREADABLE;
    return 0;
}

/* A button or row of ours: its id. Without one what stands on it. */
static int read_interactive(const json_t *inside, struct meta_content *content)
{
    const json_t *reply = json_object_get(inside, "button_reply");

    if (meta_json_is(json_object_get(inside, "type"), "call_permission_reply"))
        return -1;
    if (!json_is_object(reply))
        reply = json_object_get(inside, "list_reply");
    say(content, FLOW_MESSAGE_OPTION, reply, "id");
    if (content->length == 0)
        say(content, FLOW_MESSAGE_TEXT, reply, "title");
    return content->length > 0 ? 0 : read_unreadable(inside, content);
}

static int read_media(const json_t *inside, struct meta_content *content)
{
    (void)inside;
    content->kind = FLOW_MESSAGE_MEDIA;
    return 0;
}

static int read_voice(const json_t *inside, struct meta_content *content)
{
    (void)inside;
    content->kind = FLOW_MESSAGE_VOICE;
    return 0;
}

static int read_edit(const json_t *inside, struct meta_content *content)
{
    const json_t *message = json_object_get(inside, "message");

    say(content, FLOW_MESSAGE_EDIT, json_object_get(message, "text"), "body");
    content->kind = FLOW_MESSAGE_EDIT;
    return 0;
}

/* What Meta cannot hand on: what it was stands beside, mostly. */
static int read_unsupported(const json_t *inside, struct meta_content *content)
{
    static const char *const gestures[] = {"reaction",      "pin",         "keep_in_chat",
                                           "poll_creation", "poll_update", "group_invite",
                                           "revoke"};
    const json_t *type = json_object_get(inside, "type");

    for (size_t i = 0; i < sizeof gestures / sizeof *gestures; i++)
        if (meta_json_is(type, gestures[i]))
            return -1;
    return meta_json_is(type, "edit") ? read_edit(NULL, content) : read_unreadable(inside, content);
}

/* inside: what stands below the kind's own name. */
static const struct {
    const char *name;
    int (*read)(const json_t *inside, struct meta_content *content);
} kinds[] = {
    {"text", read_text},
    {"button", read_button},
    {"interactive", read_interactive},
    {"image", read_caption},
    {"video", read_caption},
    {"audio", read_voice},
    {"voice", read_voice},
    {"document", read_media},
    {"sticker", read_media},
    {"location", read_media},
    {"contacts", read_media},
    {"edit", read_edit},
    {"unsupported", read_unsupported},
    {"unknown", read_unreadable},
    {"order", read_unreadable},
    {"ephemeral", read_unreadable},
};

int meta_content_read(const json_t *message, struct meta_content *content)
{
    const json_t *type = json_object_get(message, "type");
    const json_t *group = json_object_get(message, "group_id");

    *content = (struct meta_content){0};
    if (group != NULL && !json_is_null(group))
        return -1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (meta_json_is(type, kinds[i].name))
            return kinds[i].read(json_object_get(message, kinds[i].name), content);
    return -1;
}
