/* Reads an answer of the Graph API. The texts of an error are left alone: they may repeat what was
 * sent. */
#include "server/channels/meta/graph_answer.h"

#include "server/channels/meta/json.h"
#include <string.h>

/* Only what cannot disturb a log line. */
static void trace_copy(char *trace, size_t size, const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    if (text != NULL && strlen(text) < size && text[strspn(text, allowed)] == '\0')
        strcpy(trace, text);
}

/* {"messages":[{"id":"wamid..."}]}: Meta has the message. */
static bool read_message_id(const json_t *root, char id[GRAPH_ID_MAX])
{
    const json_t *message = json_array_get(json_object_get(root, "messages"), 0);
    const json_t *value = json_object_get(message, "id");
    const size_t length = json_string_length(value);

    if (length > 0 && length < GRAPH_ID_MAX)
        strcpy(id, json_string_value(value));
    return length > 0;
}

void graph_answer_read(struct graph_answer *answer, const char *bytes, size_t length)
{
    json_t *root = json_loadb(bytes, length, 0, NULL);
    const json_t *error = json_object_get(root, "error");

    *answer = (struct graph_answer){0};
    if (root != NULL)
        answer->says = read_message_id(root, answer->id) ? GRAPH_SAYS_SENT : GRAPH_SAYS_OTHER;
    if (json_is_object(error)) {
        answer->says = GRAPH_SAYS_ERROR;
        answer->code = meta_json_number(error, "code");
        answer->subcode = meta_json_number(error, "error_subcode");
        answer->transient = json_is_true(json_object_get(error, "is_transient"));
        trace_copy(answer->trace, sizeof answer->trace,
                   json_string_value(json_object_get(error, "fbtrace_id")));
    }
    json_decref(root);
}
