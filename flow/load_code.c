/*
 * The form of the code in a flow file: a list of pieces, for uic_code. How a piece is cut and
 * padded is libuic's.
 */
#include "flow/check.h"

#include <string.h>

/* Left free for the digits that tell two persons apart whose codes would be equal. */
#define LONGER_ROOM 16
#define LITERAL_MAX 16
#define FIELD_LENGTH_MAX 64

static const struct question *find_question(const struct flow *flow, const char *key, size_t *step)
{
    for (*step = 0; *step < flow->step_count; ++*step) {
        const struct question *question = &flow->questions[*step];

        if (question->key != NULL && strcmp(question->key, key) == 0)
            return question;
    }
    return NULL;
}

static void load_literal(struct report *report, const struct place *place, const json_t *json,
                         struct uic_piece *piece)
{
    const char *literal = json_string_value(json);
    size_t length = strlen(literal);

    piece->kind = UIC_PIECE_LITERAL;
    piece->literal = literal;
    piece->length = length;
    for (const char *at = literal; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            length = 0;
    if (length < 1 || length > LITERAL_MAX)
        report_mistake(report, place, "expected 1 to %d ASCII characters without spaces",
                       LITERAL_MAX);
}

static size_t load_length(struct report *report, const struct place *place, const json_t *json,
                          int64_t max)
{
    struct place length = place_key(place, "length");
    int64_t value = 1;

    check_integer(report, &length, json_object_get(json, "length"), 1, max, &value);
    return (size_t)value;
}

static void load_field(const struct flow *flow, struct report *report, const struct place *place,
                       const json_t *json, struct uic_piece *piece)
{
    static const char *const keys[] = {"field", "take", "length", "pad", NULL};
    static const char *const takes[] = {"first", "last", NULL};
    const json_t *field = json_object_get(json, "field");
    const json_t *pad = json_object_get(json, "pad");
    struct place field_place = place_key(place, "field");
    struct place take_place = place_key(place, "take");
    struct place pad_place = place_key(place, "pad");
    const struct question *question = NULL;

    check_object(report, place, json, keys);
    piece->kind = UIC_PIECE_FIELD;
    if (json_is_string(field))
        question = find_question(flow, json_string_value(field), &piece->field);
    if (question == NULL && flow->step_count > 0)
        report_found(report, &field_place, field, "expected the key of a step");
    else
        piece->numeric = question != NULL && question_is_numeric(question);
    piece->take = check_one_of(report, &take_place, json_object_get(json, "take"), takes) == 1
                      ? UIC_TAKE_LAST
                      : UIC_TAKE_FIRST;
    piece->length = load_length(report, place, json, FIELD_LENGTH_MAX);
    if (pad != NULL) {
        const char *word =
            check_word(report, &pad_place, pad, 1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                       "upper-case letter or digit");

        piece->pad = word != NULL ? *word : '\0';
    }
}

static void load_hash(struct report *report, const struct place *place, const json_t *json,
                      struct uic_piece *piece)
{
    static const char *const keys[] = {"hash", "length", NULL};
    static const char *const hashes[] = {"sha256", NULL};
    struct place hash = place_key(place, "hash");

    piece->kind = UIC_PIECE_HASH;
    check_object(report, place, json, keys);
    check_one_of(report, &hash, json_object_get(json, "hash"), hashes);
    piece->length = load_length(report, place, json, UIC_HASH_DIGITS_MAX);
}

static void load_check(struct report *report, const struct place *place, const json_t *json,
                       struct uic_piece *piece)
{
    static const char *const keys[] = {"check", NULL};
    static const char *const checks[] = {"iso7064-mod37-36", NULL};
    struct place check = place_key(place, "check");

    piece->kind = UIC_PIECE_CHECK;
    piece->length = 1;
    check_object(report, place, json, keys);
    check_one_of(report, &check, json_object_get(json, "check"), checks);
}

static void load_piece(const struct flow *flow, struct report *report, const struct place *place,
                       const json_t *json, struct uic_piece *piece)
{
    if (json_is_string(json))
        load_literal(report, place, json, piece);
    else if (json_object_get(json, "field") != NULL)
        load_field(flow, report, place, json, piece);
    else if (json_object_get(json, "hash") != NULL)
        load_hash(report, place, json, piece);
    else if (json_object_get(json, "check") != NULL)
        load_check(report, place, json, piece);
    else
        report_mistake(report, place, "expected a text, or an object with field, hash or check");
}

static void check_whole(struct report *report, const struct place *place,
                        const struct uic_format *format)
{
    size_t length = 0, hashes = 0, telling = 0;

    for (size_t i = 0; i < format->piece_count; i++) {
        const struct uic_piece *piece = &format->pieces[i];

        length += piece->length;
        hashes += piece->kind == UIC_PIECE_HASH;
        telling += piece->kind == UIC_PIECE_HASH || piece->kind == UIC_PIECE_FIELD;
    }
    if (length > UIC_CODE_MAX - 1 - LONGER_ROOM)
        report_mistake(report, place, "expected a code of at most %d characters; this can have %zu",
                       UIC_CODE_MAX - 1 - LONGER_ROOM, length);
    if (hashes > 1)
        report_mistake(report, place, "expected at most one hash piece; these are %zu", hashes);
    if (telling == 0)
        report_mistake(report, place, "expected a field or a hash among the pieces");
}

void load_code(struct flow *flow, struct report *report)
{
    const struct place root = {0};
    struct place place = place_key(&root, "code");
    const json_t *json = json_object_get(flow->json, "code");
    size_t count = check_array(report, &place, json, 1, FLOW_PIECES_MAX, "pieces");

    for (size_t i = 0; i < count; i++) {
        struct place here = place_index(&place, i);

        load_piece(flow, report, &here, json_array_get(json, i), &flow->pieces[i]);
    }
    flow->format = (struct uic_format){
        .pieces = flow->pieces, .piece_count = count, .field_count = flow->step_count};
    if (count > 0)
        check_whole(report, &place, &flow->format);
}
