/* The form of the code in a flow file: a list of pieces, each cut and padded in its way. */
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

static void load_literal(const struct node *node, struct uic_piece *piece)
{
    const char *literal = json_string_value(node->json);
    size_t length = strlen(literal);

    piece->kind = UIC_PIECE_LITERAL;
    piece->literal = literal;
    piece->length = length;
    for (const char *at = literal; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            length = 0;
    if (length < 1 || length > LITERAL_MAX)
        report_mistake(node, "expected 1 to %d ASCII characters without spaces", LITERAL_MAX);
}

static size_t load_length(const struct node *piece, int64_t max)
{
    const struct node length = node_member(piece, "length");
    int64_t value = 1;

    check_integer(&length, 1, max, &value);
    return (size_t)value;
}

static void load_field(const struct flow *flow, const struct node *node, struct uic_piece *piece)
{
    static const char *const keys[] = {"field", "take", "length", "pad", NULL};
    static const char *const takes[] = {"first", "last", NULL};
    const struct node field = node_member(node, "field");
    const struct node take = node_member(node, "take");
    const struct node pad = node_member(node, "pad");
    const struct question *question = NULL;

    check_object(node, keys);
    piece->kind = UIC_PIECE_FIELD;
    if (json_is_string(field.json))
        question = find_question(flow, json_string_value(field.json), &piece->field);
    if (question == NULL && flow->step_count > 0)
        report_found(&field, "expected the key of a step");
    else
        piece->numeric = question != NULL && question_is_numeric(question);
    piece->take = check_one_of(&take, takes) == 1 ? UIC_TAKE_LAST : UIC_TAKE_FIRST;
    piece->length = load_length(node, FIELD_LENGTH_MAX);
    if (pad.json != NULL) {
        const char *word = check_word(&pad, 1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                      "upper-case letter or digit");

        piece->pad = word != NULL ? *word : '\0';
    }
}

static void load_hash(const struct node *node, struct uic_piece *piece)
{
    static const char *const keys[] = {"hash", "length", NULL};
    static const char *const hashes[] = {"sha256", NULL};
    const struct node hash = node_member(node, "hash");

    piece->kind = UIC_PIECE_HASH;
    check_object(node, keys);
    check_one_of(&hash, hashes);
    piece->length = load_length(node, UIC_HASH_DIGITS_MAX);
}

static void load_check(const struct node *node, struct uic_piece *piece)
{
    static const char *const keys[] = {"check", NULL};
    static const char *const checks[] = {"iso7064-mod37-36", NULL};
    const struct node check = node_member(node, "check");

    piece->kind = UIC_PIECE_CHECK;
    piece->length = 1;
    check_object(node, keys);
    check_one_of(&check, checks);
}

static void load_piece(const struct flow *flow, const struct node *node, struct uic_piece *piece)
{
    if (json_is_string(node->json))
        load_literal(node, piece);
    else if (json_object_get(node->json, "field") != NULL)
        load_field(flow, node, piece);
    else if (json_object_get(node->json, "hash") != NULL)
        load_hash(node, piece);
    else if (json_object_get(node->json, "check") != NULL)
        load_check(node, piece);
    else
        report_mistake(node, "expected a text, or an object with field, hash or check");
}

static void check_whole(const struct node *node, const struct uic_format *format)
{
    size_t length = 0, hashes = 0, telling = 0;

    for (size_t i = 0; i < format->piece_count; i++) {
        const struct uic_piece *piece = &format->pieces[i];

        length += piece->length;
        hashes += piece->kind == UIC_PIECE_HASH;
        telling += piece->kind == UIC_PIECE_HASH || piece->kind == UIC_PIECE_FIELD;
    }
    if (length > UIC_CODE_MAX - 1 - LONGER_ROOM)
        report_mistake(node, "expected a code of at most %d characters; this can have %zu",
                       UIC_CODE_MAX - 1 - LONGER_ROOM, length);
    if (hashes > 1)
        report_mistake(node, "expected at most one hash piece; these are %zu", hashes);
    if (telling == 0)
        report_mistake(node, "expected a field or a hash among the pieces");
}

void load_code(struct flow *flow, const struct node *file)
{
    const struct node node = node_member(file, "code");
    size_t count = check_array(&node, 1, FLOW_PIECES_MAX, "pieces");

    for (size_t i = 0; i < count; i++) {
        const struct node here = node_element(&node, i);

        load_piece(flow, &here, &flow->pieces[i]);
    }
    flow->format = (struct uic_format){
        .pieces = flow->pieces, .piece_count = count, .field_count = flow->step_count};
    if (count > 0)
        check_whole(&node, &flow->format);
}
