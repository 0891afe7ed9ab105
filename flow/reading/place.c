/*
 * A place: what stands behind "born at", without what says that it is a town, up to where its
 * province or its quarter is told.
 */
#include "flow/reading/reading.h"

#include <string.h>

/* What may stand in front of a place. */
#define IN_FRONT                                                                                   \
    (MEANING_GRAMMAR | MEANING_POLITE | MEANING_AT | MEANING_KIND | MEANING_BORN | MEANING_TITLE | \
     MEANING_LABEL | MEANING_ABOUT | MEANING_AND)
/* Of these, what makes no sentence. */
#define LIGHT (MEANING_AT | MEANING_KIND | MEANING_PARTICLE | MEANING_POLITE | MEANING_LABEL)
#define BEHIND (MEANING_POLITE | MEANING_REGION | MEANING_KIND)

struct place {
    const struct tokens *tokens;
    struct run run;
    bool sentence; /* more than a preposition stood in front of it */
    bool doubt;
    bool refused;
};

/* A comma, stroke, bracket or lonely dash; those between numbers belong to a date. */
static bool is_end(const struct tokens *tokens, size_t at)
{
    return tokens->list[at].kind == TOKEN_BREAK &&
           !(at > 0 && at + 1 < tokens->count && tokens->list[at - 1].kind == TOKEN_NUMBER &&
             tokens->list[at + 1].kind == TOKEN_NUMBER);
}

static struct run next_segment(const struct tokens *tokens, size_t at)
{
    struct run run = {at, at};

    while (run.first < tokens->count && is_end(tokens, run.first))
        run.first++;
    run.end = run.first;
    while (run.end < tokens->count && !is_end(tokens, run.end))
        run.end++;
    return run;
}

static bool says_a_place(const struct tokens *tokens, struct run run)
{
    run = run_strip_front(tokens, run, IN_FRONT | MEANING_REGION);
    return run.first < run.end;
}

/* The first part that names a place, and no mere province; else the first that says anything. A
 * date between its strokes is left whole. */
static void take_segment(struct place *place)
{
    const struct tokens *tokens = place->tokens;
    const struct run all = tokens_all(tokens);
    const size_t born = run_find(tokens, all, MEANING_BORN);
    struct run any = {0, 0}, run = next_segment(tokens, 0);

    if (born < all.end)
        run = next_segment(tokens, born);
    while (run.first < run.end && !says_a_place(tokens, run)) {
        if (any.end == 0 && !run_is_all(tokens, run, IN_FRONT))
            any = run;
        run = next_segment(tokens, run.end);
    }
    place->run = run.first < run.end ? run : any;
    place->doubt |= place->run.first > 0 || place->run.end < all.end;
}

/* "née le 12 avril 1960 à Bukavu": when it was is nothing to us. */
static void skip_date(struct place *place)
{
    const struct tokens *tokens = place->tokens;
    size_t at = place->run.first;

    if (run_find(tokens, place->run, MEANING_BORN) == place->run.end)
        return;
    for (size_t i = at; i < place->run.end; i++)
        if (tokens->list[i].kind != TOKEN_WORD)
            at = i + 1;
    if (at == place->run.first)
        return;
    at = run_find(tokens, (struct run){at, place->run.end}, MEANING_AT);
    if (at == place->run.end)
        return;
    place->run.first = at;
    place->doubt = true;
}

static void strip_front(struct place *place)
{
    const struct tokens *tokens = place->tokens;
    const struct run before = place->run;

    place->run = run_strip_front(tokens, before, IN_FRONT);
    place->sentence = !run_is_all(tokens, (struct run){before.first, place->run.first}, LIGHT);
    place->doubt |= place->sentence;
}

/* "Luanda en Angola": cut in front of the preposition. In a sentence that does not say "born" it
 * may be a verb that stands there: "Sa mère l'a eue à Boma". */
static void cut_at_preposition(struct place *place)
{
    const struct tokens *tokens = place->tokens;
    struct run behind = {place->run.first + (place->run.first < place->run.end), place->run.end};

    behind.first = run_find(tokens, behind, MEANING_AT | MEANING_KIND | MEANING_ALIAS);
    if (run_is_all(tokens, behind, MEANING_KIND))
        return; /* "Walikale centre" */
    if (place->sentence && run_find(tokens, tokens_all(tokens), MEANING_BORN) == tokens->count &&
        !run_is_all(tokens, behind, IN_FRONT | BEHIND))
        place->refused = true;
    place->doubt = true;
    place->run.end = behind.first;
}

/* What explains a place falls away from behind it, unless that is all there is. */
static void strip_back(struct place *place)
{
    const struct tokens *tokens = place->tokens;
    struct run run = run_strip_back(tokens, place->run, BEHIND);

    run = run_strip_back(tokens, run, MEANING_GRAMMAR | MEANING_POLITE);
    if (run.first == run.end)
        return;
    place->doubt |= !run_is_all(tokens, (struct run){run.end, place->run.end},
                                token_means(&tokens->list[run.end - 1], MEANING_TOWN)
                                    ? BEHIND
                                    : MEANING_POLITE | MEANING_KIND);
    place->run = run;
}

/* "Ma mère s'appelle Thérèse"; a village can be called something, too. */
static bool is_person(const struct tokens *tokens)
{
    const struct run all = tokens_all(tokens);

    return run_find(tokens, all, MEANING_CALLED) < all.end &&
           run_find(tokens, all, MEANING_TITLE) < all.end &&
           run_find(tokens, all, MEANING_BORN | MEANING_AT | MEANING_KIND) == all.end;
}

/* "Kinshasa-Lemba", the same in one word. */
static bool read_town_part(const struct place *place, struct flow_reading *reading)
{
    struct token front = place->tokens->list[place->run.first];

    if (place->run.end != place->run.first + 1 || front.meanings != 0 ||
        !token_front(place->tokens, &front) || !token_means(&front, MEANING_TOWN))
        return false;
    reading->kind = FLOW_READ_DOUBTFUL;
    reading->length = front.length;
    memcpy(reading->text, place->tokens->text + front.at, front.length);
    reading->text[front.length] = '\0';
    return true;
}

/* "Kinshasa Lemba": who names a great town first says a part of it next. */
static void take_town(struct place *place)
{
    const struct tokens *tokens = place->tokens;
    char key[WORD_KEY_MAX];

    if (place->run.end - place->run.first < 2 || guard_refuses(tokens, place->run) ||
        !token_means(&tokens->list[place->run.first], MEANING_TOWN))
        return;
    const struct word *whole = token_key(tokens, place->run.first, place->run.end - 1, key)
                                   ? words_find(tokens->words, key)
                                   : NULL;
    explicit_bzero(key, sizeof key);
    if (whole != NULL && (whole->meanings & MEANING_TOWN) != 0)
        return;
    place->run.end = place->run.first + 1;
    place->doubt = true;
}

void read_place(const struct tokens *tokens, struct flow_reading *reading)
{
    struct place place = {.tokens = tokens, .doubt = tokens->asked};

    take_segment(&place);
    skip_date(&place);
    strip_front(&place);
    cut_at_preposition(&place);
    strip_back(&place);
    take_town(&place);
    if (place.refused || is_person(tokens) || guard_refuses(tokens, place.run) ||
        run_find(tokens, tokens_all(tokens), MEANING_NO_ANSWER | MEANING_EITHER) < tokens->count) {
        read_nothing(tokens, reading);
        return;
    }
    if (place.run.end == place.run.first + 1 && tokens->list[place.run.first].full != NULL) {
        const char *full = tokens->list[place.run.first].full;

        reading->kind = place.doubt ? FLOW_READ_DOUBTFUL : FLOW_READ;
        reading->length = strlen(full);
        memcpy(reading->text, full, reading->length + 1);
        return;
    }
    if (read_town_part(&place, reading))
        return;
    place.doubt |= place.run.end - place.run.first == READING_WORDS_MAX;
    read_run(tokens, place.run, place.doubt || guard_is_unusual(tokens, place.run), reading);
}
