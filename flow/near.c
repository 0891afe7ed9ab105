/*
 * Whether two people's answers are near each other: of each person five short keyed hashes, each of
 * all answers but one. How a place sounds counts, not how it is spelt; but twins are told apart by
 * their first name alone, so names count by the form of their spelling: Jean is not Jeanne. Two names
 * are equal in either order. Without the key nobody can try names against them.
 */
#include "flow/check.h"

#include "uic/hasher.h"
#include <string.h>

#define FIRST_NAME "first_name"

bool flow_has_near(const struct flow *flow)
{
    return flow->step_count == FLOW_NEAR_STEPS;
}

bool flow_asks_near(const struct flow *flow)
{
    return flow->asks_near;
}

uint8_t flow_near_except(const struct flow *flow)
{
    uint8_t step = 0;

    while (step < flow->step_count && strcmp(flow->questions[step].key, FIRST_NAME) != 0)
        step++;
    return step;
}

/* Twins differ in their first name alone, so a flow that asks must have one. */
static bool can_ask(const struct flow *flow)
{
    if (!flow_has_near(flow))
        return false;
    for (size_t i = 0; i < flow->step_count; i++)
        if (flow->questions[i].key != NULL && strcmp(flow->questions[i].key, FIRST_NAME) == 0)
            return true;
    return false;
}

void load_near(struct flow *flow, const struct node *file)
{
    static const char *const nears[] = {"ask", "off", NULL};
    const struct node near = node_member(file, "near");

    if (near.json == NULL || check_one_of(&near, nears) != 0)
        return;
    flow->asks_near = can_ask(flow);
    if (!flow->asks_near && flow->step_count > 0)
        report_mistake(&near, "expected off; to ask needs %d steps, one of them with the key %s",
                       FLOW_NEAR_STEPS, FIRST_NAME);
}

static bool is_name(const struct flow *flow, size_t step)
{
    return flow->questions[step].type == ANSWER_TEXT && flow->questions[step].holds == HOLDS_NAME;
}

static int compare(const struct uic_text *one, const struct uic_text *other)
{
    const size_t shorter = one->length < other->length ? one->length : other->length;
    const int order = memcmp(one->bytes, other->bytes, shorter);

    return order != 0 ? order : (one->length > other->length) - (one->length < other->length);
}

/* Puts two names in an order of their own; what stands between them stays. */
static void sort_names(const struct flow *flow, struct uic_text sounds[FLOW_NEAR_STEPS])
{
    size_t names[FLOW_NEAR_STEPS], count = 0;

    for (size_t i = 0; i < FLOW_NEAR_STEPS; i++)
        if (is_name(flow, i))
            names[count++] = i;
    if (count == 2 && compare(&sounds[names[0]], &sounds[names[1]]) > 0) {
        const struct uic_text first = sounds[names[0]];

        sounds[names[0]] = sounds[names[1]];
        sounds[names[1]] = first;
    }
}

/* Of an answer as it was normalised. Both names by one form, as they may stand in either order;
 * a name that was normalised by its sound has no other left. */
static int make_form(const struct flow *flow, size_t step, const struct uic_text *answer, char *out,
                     size_t capacity, size_t *length)
{
    const enum uic_normalization from = flow->questions[step].normalization;
    const bool has_form = from == UIC_SPELLING || from == UIC_SOUND;

    if (!is_name(flow, step) && step != flow_near_except(flow))
        return uic_sound(from, answer->bytes, answer->length, out, capacity, length);
    return uic_normalize(has_form ? UIC_EXTENDED : UIC_SPELLING, answer->bytes, answer->length, out,
                         capacity, length);
}

/* How the answers sound: texts in room, what is no text as it is. */
static int make_sounds(const struct flow *flow, const struct uic_text *answers,
                       char room[FLOW_NORMALIZED_MAX], struct uic_text sounds[FLOW_NEAR_STEPS])
{
    size_t used = 0;

    for (size_t i = 0; i < FLOW_NEAR_STEPS; i++) {
        const struct question *question = &flow->questions[i];

        sounds[i] = answers[i];
        if (question->type != ANSWER_TEXT && question->type != ANSWER_LETTERS)
            continue;
        sounds[i].bytes = room + used;
        if (make_form(flow, i, &answers[i], room + used, FLOW_NORMALIZED_MAX - used,
                      &sounds[i].length) != UIC_OK)
            return -1;
        used += sounds[i].length;
    }
    return 0;
}

/* All but `left_out`, in whose place its number stands: so no two of the five are ever compared. */
static int hash_others(const struct flow *flow, const struct uic_text sounds[FLOW_NEAR_STEPS],
                       size_t left_out, struct uic_hasher *hasher,
                       unsigned char near[FLOW_NEAR_HASH_SIZE])
{
    const char digit = (char)('0' + left_out);
    struct uic_text others[FLOW_NEAR_STEPS];
    unsigned char hash[UIC_INPUT_HASH_SIZE];

    memcpy(others, sounds, sizeof others);
    if (!is_name(flow, left_out))
        sort_names(flow, others);
    others[left_out] = (struct uic_text){&digit, 1};
    if (uic_hasher_input_hash(hasher, others, FLOW_NEAR_STEPS, hash) != UIC_OK)
        return -1;
    memcpy(near, hash, FLOW_NEAR_HASH_SIZE);
    return 0;
}

int flow_near(const struct flow *flow, const struct uic_text *answers, struct uic_hasher *hasher,
              unsigned char near[FLOW_NEAR_SIZE])
{
    char room[FLOW_NORMALIZED_MAX];
    struct uic_text sounds[FLOW_NEAR_STEPS];
    int result = make_sounds(flow, answers, room, sounds);

    for (size_t i = 0; i < FLOW_NEAR_STEPS && result == 0; i++)
        result = hash_others(flow, sounds, i, hasher, near + i * FLOW_NEAR_HASH_SIZE);
    explicit_bzero(room, sizeof room);
    return result;
}
