/*
 * Whether two people's answers are near each other: of each person five short keyed hashes, each of
 * all answers but one. How names and places sound counts, not how they are spelt; but twins are told
 * apart by their first name alone, so the written ending of a name counts, too: Jean is not Jeanne.
 * The hash that would leave the first name out is of all sounds instead, without endings: it is what
 * an administrator looks for, and nobody is asked about.
 * Two names are equal in either order. A text counts as it was read: what a flow's normalization
 * leaves of it for the code may be less. Without the key nobody can try names against the hashes.
 */
#include "flow/check.h"

#include "uic/forms.h"
#include "uic/keyed_number.h"
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

int flow_near_sounds_at(const struct flow *flow)
{
    return flow->near_sounds_at;
}

/* In place of all sounds' hash stands one that equals none. */
void flow_near_sought(const struct flow *flow, const unsigned char near[FLOW_NEAR_SIZE],
                      unsigned char sought[FLOW_NEAR_SIZE])
{
    memcpy(sought, near, FLOW_NEAR_SIZE);
    for (int i = 0; flow->near_sounds_at >= 0 && i < FLOW_NEAR_HASH_SIZE; i++)
        sought[FLOW_NEAR_HASH_SIZE * flow->near_sounds_at + i] ^= 0xFF;
}

static int find_first_name(const struct flow *flow)
{
    for (int i = 0; i < (int)flow->step_count; i++)
        if (flow->questions[i].key != NULL && strcmp(flow->questions[i].key, FIRST_NAME) == 0)
            return i;
    return -1;
}

/* Twins differ in their first name alone, so a flow that asks must have one. */
static bool can_ask(const struct flow *flow)
{
    return flow_has_near(flow) && flow->near_sounds_at >= 0;
}

void load_near(struct flow *flow, const struct node *file)
{
    static const char *const nears[] = {"ask", "off", NULL};
    const struct node near = node_member(file, "near");

    flow->near_sounds_at = find_first_name(flow);
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

/* Where the forms stand: of each answer its spelling, its sound, and behind it the ending. */
struct room {
    size_t used;
    char bytes[FLOW_NORMALIZED_MAX];
};

/* What of the answers is compared. */
struct near_forms {
    struct uic_text sounds[FLOW_NEAR_STEPS];
    struct uic_text written[FLOW_NEAR_STEPS]; /* the same, names with their endings */
};

static int compare(const struct uic_text *one, const struct uic_text *other)
{
    const size_t shorter = one->length < other->length ? one->length : other->length;
    const int order = memcmp(one->bytes, other->bytes, shorter);

    return order != 0 ? order : (one->length > other->length) - (one->length < other->length);
}

/* Puts two names in an order of their own; what stands between them stays. */
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

static size_t count_vowels(struct uic_text text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++)
        count += form_is_vowel(text.bytes[i]);
    return count;
}

static struct uic_text last_vowels(struct uic_text text)
{
    size_t from = text.length;

    while (from > 0 && form_is_vowel(text.bytes[from - 1]))
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

/* The text's bytes stand in the room from then on. */
static bool room_put(struct room *room, struct uic_text *text)
{
    if (text->length >= sizeof room->bytes - room->used)
        return false;
    text->bytes = memcpy(room->bytes + room->used, text->bytes, text->length);
    room->used += text->length;
    room->bytes[room->used] = '\0';
    return true;
}

static int make_spelling(struct uic_text answer, struct room *room, struct uic_text *spelling)
{
    const int status =
        uic_normalize(UIC_SPELLING, answer.bytes, answer.length, room->bytes + room->used,
                      sizeof room->bytes - room->used, &spelling->length);

    spelling->bytes = room->bytes + room->used;
    room->used += spelling->length;
    return status == UIC_OK ? 0 : -1;
}

/* Of one answer that is a text; a name has its ending behind the sound. */
static int make_form(struct uic_text answer, bool is_name, struct room *room,
                     struct uic_text *sound, struct uic_text *written)
{
    struct uic_text spelling, hyphen = {"-", 1};

    if (make_spelling(answer, room, &spelling) != 0)
        return -1;
    *sound = spelling;
    if (!room_put(room, sound))
        return -1;
    room->used -= sound->length;
    form_sound(room->bytes + room->used, &sound->length);
    room->used += sound->length;
    *written = *sound;
    if (!is_name)
        return 0;
    struct uic_text end = ending(spelling, *sound);

    written->length += hyphen.length + end.length;
    return room_put(room, &hyphen) && room_put(room, &end) ? 0 : -1;
}

/* What is no text counts as it is. */
static int make_forms(const struct flow *flow, const struct uic_text *answers,
                      const struct uic_text *read, struct room *room, struct near_forms *forms)
{
    for (size_t i = 0; i < FLOW_NEAR_STEPS; i++) {
        const enum answer_type type = flow->questions[i].type;

        forms->sounds[i] = forms->written[i] = answers[i];
        if ((type == ANSWER_TEXT || type == ANSWER_LETTERS) &&
            make_form(type == ANSWER_TEXT ? read[i] : answers[i],
                      is_name(flow, i) || (int)i == flow->near_sounds_at, room, &forms->sounds[i],
                      &forms->written[i]) != 0)
            return -1;
    }
    return 0;
}

/* All but `left_out`, whose number stands behind: so no two of the five are ever compared. */
static int hash_others(const struct flow *flow, const struct near_forms *forms, size_t left_out,
                       struct keyed_number *keyed, unsigned char near[FLOW_NEAR_HASH_SIZE])
{
    const bool all = (int)left_out == flow->near_sounds_at;
    const char digit = (char)('0' + left_out);
    struct uic_text texts[FLOW_NEAR_STEPS + 1];
    uint64_t number;

    memcpy(texts, all ? forms->sounds : forms->written, sizeof forms->sounds);
    if (all || !is_name(flow, left_out))
        sort_names(flow, texts);
    if (!all)
        texts[left_out].length = 0;
    texts[FLOW_NEAR_STEPS] = (struct uic_text){&digit, 1};
    if (keyed_number(keyed, texts, sizeof texts / sizeof *texts, &number) != UIC_OK)
        return -1;
    for (int i = 0; i < FLOW_NEAR_HASH_SIZE; i++)
        near[i] = (unsigned char)(number >> (56 - 8 * i));
    return 0;
}

int flow_near(const struct flow *flow, const struct uic_text *answers, const struct uic_text *read,
              struct keyed_number *keyed, unsigned char near[FLOW_NEAR_SIZE])
{
    struct room room;
    struct near_forms forms;

    room.used = 0;
    int result = make_forms(flow, answers, read, &room, &forms);
    for (size_t i = 0; i < FLOW_NEAR_STEPS && result == 0; i++)
        result = hash_others(flow, &forms, i, keyed, near + i * FLOW_NEAR_HASH_SIZE);
    /* Nobody leaves anything behind what is used, but who fails. */
    explicit_bzero(room.bytes, result == 0 ? room.used : sizeof room.bytes);
    return result;
}
