/*
 * Whether two people's answers are near each other: of each person five short keyed hashes, each of
 * all answers but one. How names and places sound counts, not how they are spelt; but twins are told
 * apart by their first name alone, so the written ending of a name counts, too: Jean is not Jeanne.
 * Two names are equal in either order. A text counts as it was read: what a flow's normalization
 * leaves of it for the code may be less. Without the key nobody can try names against the hashes.
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

/* Where the forms stand: two of each answer. */
struct room {
    size_t used;
    char bytes[2 * FLOW_NORMALIZED_MAX];
};

/* What of the answers is compared. */
struct near_forms {
    struct uic_text sounds[FLOW_NEAR_STEPS];
    struct uic_text endings[FLOW_NEAR_STEPS]; /* of names, where they differ from the sound's */
};

static int compare(const struct uic_text *one, const struct uic_text *other)
{
    const size_t shorter = one->length < other->length ? one->length : other->length;
    const int order = memcmp(one->bytes, other->bytes, shorter);

    return order != 0 ? order : (one->length > other->length) - (one->length < other->length);
}

/* Puts what is of two names in an order of its own; what stands between them stays. */
static void sort_names(const struct flow *flow, struct uic_text texts[FLOW_NEAR_STEPS])
{
    size_t names[FLOW_NEAR_STEPS], count = 0;

    for (size_t i = 0; i < FLOW_NEAR_STEPS; i++)
        if (is_name(flow, i))
            names[count++] = i;
    if (count == 2 && compare(&texts[names[0]], &texts[names[1]]) > 0) {
        const struct uic_text first = texts[names[0]];

        texts[names[0]] = texts[names[1]];
        texts[names[1]] = first;
    }
}

static bool is_vowel(char letter)
{
    return strchr("AEIOU", letter) != NULL;
}

static size_t count_vowels(struct uic_text text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++)
        count += is_vowel(text.bytes[i]);
    return count;
}

static struct uic_text last_vowels(struct uic_text text)
{
    size_t from = text.length;

    while (from > 0 && is_vowel(text.bytes[from - 1]))
        from--;
    return (struct uic_text){text.bytes + from, text.length - from};
}

static bool ends_double(struct uic_text text)
{
    return text.length > 1 && text.bytes[text.length - 1] == text.bytes[text.length - 2];
}

/* What twins' names differ by that sound alike: vowels at the end (Jeanne), a double letter there
 * (Marcell), or vowels within that became one (Cyrielle, Cyrille). */
static struct uic_text ending(struct uic_text spelling, struct uic_text sound)
{
    const struct uic_text written = last_vowels(spelling), heard = last_vowels(sound);

    if (count_vowels(spelling) - written.length != count_vowels(sound) - heard.length)
        return spelling;
    if (written.length == 0 && ends_double(spelling))
        return (struct uic_text){spelling.bytes + spelling.length - 1, 1};
    return compare(&written, &heard) != 0 ? written : (struct uic_text){"", 0};
}

static int make_text(enum uic_normalization form, struct uic_text answer, struct room *room,
                     struct uic_text *text)
{
    const int status = uic_normalize(form, answer.bytes, answer.length, room->bytes + room->used,
                                     sizeof room->bytes - room->used, &text->length);

    text->bytes = room->bytes + room->used;
    room->used += text->length;
    return status == UIC_OK ? 0 : -1;
}

/* Of one answer that is a text. */
static int make_form(const struct flow *flow, size_t step, struct uic_text answer,
                     struct room *room, struct near_forms *forms)
{
    struct uic_text spelling;

    if (make_text(UIC_SOUND, answer, room, &forms->sounds[step]) != 0)
        return -1;
    if (!is_name(flow, step) && step != flow_near_except(flow))
        return 0;
    if (make_text(UIC_SPELLING, answer, room, &spelling) != 0)
        return -1;
    forms->endings[step] = ending(spelling, forms->sounds[step]);
    return 0;
}

/* What is no text counts as it is. */
static int make_forms(const struct flow *flow, const struct uic_text *answers,
                      const struct uic_text *read, struct room *room, struct near_forms *forms)
{
    for (size_t i = 0; i < FLOW_NEAR_STEPS; i++) {
        const enum answer_type type = flow->questions[i].type;

        forms->sounds[i] = answers[i];
        forms->endings[i] = (struct uic_text){"", 0};
        if ((type == ANSWER_TEXT || type == ANSWER_LETTERS) &&
            make_form(flow, i, type == ANSWER_TEXT ? read[i] : answers[i], room, forms) != 0)
            return -1;
    }
    return 0;
}

/* All but `left_out`, in whose place its number stands: so no two of the five are ever compared. */
static int hash_others(const struct flow *flow, const struct near_forms *forms, size_t left_out,
                       struct uic_hasher *hasher, unsigned char near[FLOW_NEAR_HASH_SIZE])
{
    const char digit = (char)('0' + left_out);
    struct uic_text others[2 * FLOW_NEAR_STEPS], *endings = others + FLOW_NEAR_STEPS;
    unsigned char hash[UIC_INPUT_HASH_SIZE];

    memcpy(others, forms->sounds, sizeof forms->sounds);
    memcpy(endings, forms->endings, sizeof forms->endings);
    if (!is_name(flow, left_out)) {
        sort_names(flow, others);
        sort_names(flow, endings);
    }
    others[left_out] = (struct uic_text){&digit, 1};
    endings[left_out].length = 0;
    if (uic_hasher_input_hash(hasher, others, sizeof others / sizeof *others, hash) != UIC_OK)
        return -1;
    memcpy(near, hash, FLOW_NEAR_HASH_SIZE);
    return 0;
}

int flow_near(const struct flow *flow, const struct uic_text *answers, const struct uic_text *read,
              struct uic_hasher *hasher, unsigned char near[FLOW_NEAR_SIZE])
{
    struct room room;
    struct near_forms forms;

    room.used = 0;
    int result = make_forms(flow, answers, read, &room, &forms);
    for (size_t i = 0; i < FLOW_NEAR_STEPS && result == 0; i++)
        result = hash_others(flow, &forms, i, hasher, near + i * FLOW_NEAR_HASH_SIZE);
    explicit_bzero(&room, sizeof room);
    return result;
}
