/* By Meta's reference of messages and of the system's messages. */
#include "server/channels/meta/person.h"

#include "server/channels/meta/json.h"
#include <stdio.h>

#define COUNTRY_LENGTH 2 /* a user id begins so: CD.1234 */
/* What is behind the scheme of an address. */
#define PERSON_MAX (MESSAGE_ADDRESS_MAX - (sizeof META_SCHEME - 1))

bool meta_is_number(const char *text, size_t length)
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

const char *meta_number_read(const json_t *json, const char *key, size_t *length)
{
    const char *text = meta_json_text(json, key, length);

    return text != NULL && meta_is_number(text, *length) && *length < PERSON_MAX ? text : NULL;
}

const char *meta_user_id_read(const json_t *json, const char *key, size_t *length)
{
    const char *text = meta_json_text(json, key, length);

    return text != NULL && is_user_id(text, *length) && *length <= PERSON_MAX ? text : NULL;
}

static void keep(char text[MESSAGE_ADDRESS_MAX + 1], const char *sign, const char *read)
{
    snprintf(text, MESSAGE_ADDRESS_MAX + 1, "%s%s", read != NULL ? sign : "",
             read != NULL ? read : "");
}

static bool is_change(const char *before, const char *after)
{
    return before[0] != '\0' && after[0] != '\0' && strcmp(before, after) != 0;
}

/* The old number stands where a sender does; the new one, and both user ids, below "system". Who
 * has a new number has a new user id too, as far as that is told. */
int meta_move_read(const json_t *message, struct meta_move *move)
{
    const json_t *system = json_object_get(message, "system");
    const json_t *type = json_object_get(system, "type");
    const bool is_number = meta_json_is(type, "user_changed_number");
    size_t length;

    *move = (struct meta_move){0};
    if (!is_number && !meta_json_is(type, "user_changed_user_id"))
        return -1;
    if (is_number) {
        keep(move->numbers[0], "+", meta_number_read(message, "from", &length));
        keep(move->numbers[1], "+", meta_number_read(system, "wa_id", &length));
    }
    keep(move->user_ids[0], "", meta_user_id_read(system, "previous_user_id", &length));
    keep(move->user_ids[1], "", meta_user_id_read(system, "user_id", &length));
    return is_change(move->numbers[0], move->numbers[1]) ||
                   is_change(move->user_ids[0], move->user_ids[1])
               ? 0
               : -1;
}
