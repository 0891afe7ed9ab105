/*
 * A name: one, without what introduces it and without titles. Of several the person is to say
 * which; a hyphen, a particle or a known pair keeps two words together.
 */
#include "flow/reading/reading.h"

#include <string.h>

#define IN_FRONT                                                                                   \
    (MEANING_GRAMMAR | MEANING_POLITE | MEANING_LABEL | MEANING_TITLE | MEANING_AT | MEANING_AND | \
     MEANING_BORN)
/* Of these, what makes no sentence. */
#define LIGHT (MEANING_LABEL | MEANING_TITLE | MEANING_POLITE | MEANING_PARTICLE)
#define BEHIND (MEANING_GRAMMAR | MEANING_POLITE | MEANING_LABEL)
/* What holds a name together rather than a sentence when it stands between two words. */
#define TIES (MEANING_PARTICLE)

/* "Mimi" is a name; "svp" and "moi" are none. */
#define CALLED_BYTES_MIN 4

struct name {
    const struct tokens *tokens;
    struct run run;
    bool doubt;
    bool sentence; /* words of one stood in front */
    size_t count;  /* names found, up to one more than can be chosen from */
    struct run names[READING_WORDS_MAX + 1];
};

static bool is_bracket(const struct token *token)
{
    return token->kind == TOKEN_BREAK && strchr("([", token->punctuation) != NULL;
}

static void skip_front(struct name *name)
{
    const struct tokens *tokens = name->tokens;
    size_t at = name->run.first;
    bool light = true;

    while (at < name->run.end && (tokens->list[at].kind == TOKEN_BREAK ||
                                  token_means(&tokens->list[at], IN_FRONT | TIES))) {
        light = light &&
                (tokens->list[at].kind == TOKEN_BREAK || token_means(&tokens->list[at], LIGHT));
        at++;
    }
    /* "de Souza", "La Grâce": one little word alone belongs to the name. */
    if (at == name->run.first + 1 && at < name->run.end &&
        token_means(&tokens->list[at - 1], TIES) &&
        !token_means(&tokens->list[at - 1], MEANING_TITLE))
        at = name->run.first;
    name->sentence = at > name->run.first && !light;
    name->doubt |= name->sentence;
    name->run.first = at;
}

/* Words that were known as one first name: "Jean Pierre". */
static bool is_double(const struct tokens *tokens, size_t first)
{
    char key[WORD_KEY_MAX];
    const struct word *word = first + 1 < tokens->count && token_key(tokens, first, first + 1, key)
                                  ? words_find(tokens->words, key)
                                  : NULL;

    explicit_bzero(key, sizeof key);
    return word != NULL && (word->meanings & MEANING_DOUBLE) != 0;
}

static void skip_back(struct name *name)
{
    const struct tokens *tokens = name->tokens;
    struct run run = name->run;

    for (size_t i = run.first; i < run.end; i++)
        if (is_bracket(&tokens->list[i]) || token_means(&tokens->list[i], MEANING_ALIAS))
            run.end = i;
    while (run.end > run.first + 1 && !is_double(tokens, run.end - 2) &&
           (tokens->list[run.end - 1].kind == TOKEN_BREAK ||
            token_means(&tokens->list[run.end - 1], BEHIND)))
        run.end--;
    name->doubt |= !run_is_all(tokens, (struct run){run.end, name->run.end}, MEANING_POLITE);
    name->run = run;
}

/* "Je préfère ne pas dire", "On parle de quel nom ?": what is left of it is a verb. */
static bool is_no_name(const struct name *name)
{
    const struct tokens *tokens = name->tokens;

    for (size_t i = name->run.end; i < tokens->count && tokens->list[i].kind == TOKEN_WORD; i++)
        if (token_means(&tokens->list[i], MEANING_NO) &&
            !token_means(&tokens->list[i], MEANING_ABOUT | MEANING_POLITE))
            return true;
    return tokens->asked && name->sentence &&
           run_find(tokens, tokens_all(tokens), MEANING_CALLED) == tokens->count;
}

/* The end of the name that begins here. */
static size_t name_end(const struct tokens *tokens, struct run run)
{
    size_t at = run.first + 1;

    if (token_means(&tokens->list[run.first], TIES) && at < run.end)
        at++;
    while (at < run.end) {
        if (tokens->list[at].kind == TOKEN_BREAK && tokens->list[at].punctuation == '-' &&
            at + 1 < run.end)
            at += 2;
        else if (token_means(&tokens->list[at], TIES) && at + 1 < run.end)
            at += token_means(&tokens->list[at + 1], TIES) && at + 2 < run.end ? 3 : 2;
        else if (at == run.first + 1 && is_double(tokens, run.first))
            at++;
        else
            break;
    }
    return at;
}

static bool is_initial(const struct token *token)
{
    return token->kind == TOKEN_WORD && token->length == 1;
}

static bool is_one_name(const struct tokens *tokens, struct run run)
{
    if (run.end == run.first + 2 && is_double(tokens, run.first))
        return true;
    for (size_t i = run.first; i < run.end; i++) {
        const struct token *token = &tokens->list[i];

        if (token->kind != TOKEN_BREAK && !token_means(token, TIES) && !is_initial(token) &&
            guard_refuses(tokens, (struct run){i, i + 1}))
            return false;
    }
    return true;
}

/* "Mulumba, post-nom Kazadi": what says that another name follows has its end there; run.first when
 * nothing says so. */
static size_t skip_label(const struct tokens *tokens, struct run run)
{
    const uint32_t says_so = MEANING_LABEL | MEANING_CALLED;
    size_t at = run.first;
    bool said = false;

    for (; at < run.end && (tokens->list[at].kind == TOKEN_BREAK ||
                            token_means(&tokens->list[at], MEANING_GRAMMAR | says_so));
         at++)
        said |= token_means(&tokens->list[at], says_so);
    return said && at < run.end ? at : run.first;
}

/* Takes the run apart; false when it holds what no name is made of. */
static bool find_names(struct name *name)
{
    const struct tokens *tokens = name->tokens;
    struct run run = name->run;

    while (run.first < run.end) {
        struct run one = {run.first, 0};

        if (tokens->list[run.first].kind == TOKEN_BREAK) {
            run.first++;
            name->doubt = true;
            continue;
        }
        one.end = name_end(tokens, run);
        if (!is_one_name(tokens, one) || name->count > READING_WORDS_MAX)
            return false;
        name->names[name->count++] = one;
        run.first = skip_label(tokens, (struct run){one.end, run.end});
    }
    return name->count > 0 && name->count <= READING_WORDS_MAX;
}

/* "Jean K.": a letter is no name beside one. False when there are only letters. */
static bool drop_initials(struct name *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < name->count; i++) {
        if (!is_initial(&name->tokens->list[name->names[i].first]) ||
            name->names[i].end > name->names[i].first + 1)
            name->names[kept++] = name->names[i];
    }
    name->doubt |= kept < name->count;
    name->count = kept;
    return kept > 0;
}

static bool is_same(const struct tokens *tokens, struct run one, struct run other)
{
    char key[WORD_KEY_MAX], other_key[WORD_KEY_MAX];
    const bool same = token_key(tokens, one.first, one.end - 1, key) &&
                      token_key(tokens, other.first, other.end - 1, other_key) &&
                      strcmp(key, other_key) == 0;

    explicit_bzero(key, sizeof key);
    explicit_bzero(other_key, sizeof other_key);
    return same;
}

/* "Kabila KABILA": nobody has to choose between the same. */
static void drop_repeated(struct name *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < name->count; i++) {
        bool repeated = false;

        for (size_t j = 0; j < kept; j++)
            repeated |= is_same(name->tokens, name->names[j], name->names[i]);
        if (!repeated)
            name->names[kept++] = name->names[i];
    }
    name->doubt |= kept < name->count;
    name->count = kept;
}

_Static_assert(READING_WORDS_MAX == FLOW_READING_CANDIDATES_MAX,
               "every name that is found is offered");

static void read_candidates(const struct name *name, struct flow_reading *reading)
{
    struct flow_reading one;

    for (size_t i = 0; i < name->count; i++) {
        read_run(name->tokens, name->names[i], false, &one);
        memcpy(reading->candidates[i], one.text, one.length + 1);
    }
    reading->candidate_count = (uint8_t)name->count;
    read_run(name->tokens, name->run, true, reading);
    reading->kind = FLOW_READ_WHICH;
    explicit_bzero(&one, sizeof one);
}

/* "Je m'appelle Merci": a polite word or a title is a name where it is called one. Alone it is
 * none, so who has such a name can be read in this way only. */
static bool read_called(const struct tokens *tokens, struct flow_reading *reading)
{
    const size_t last = tokens->count - 1;
    const struct run run = {last, last + 1};

    if (tokens->count < 2 || tokens->asked ||
        !token_means(&tokens->list[last - 1], MEANING_CALLED) ||
        !token_means(&tokens->list[last], MEANING_POLITE | MEANING_TITLE | MEANING_LABEL) ||
        token_means(&tokens->list[last], MEANING_NO_ANSWER | MEANING_CALLED) ||
        tokens->list[last].length < CALLED_BYTES_MIN)
        return false;
    read_run(tokens, run, true, reading);
    return true;
}

void read_name(const struct tokens *tokens, struct flow_reading *reading)
{
    struct name name = {.tokens = tokens, .run = tokens_all(tokens), .doubt = tokens->asked};
    const uint32_t odd = MEANING_NUMBER | MEANING_MONTH | MEANING_WEEKDAY | MEANING_KIND;

    if (read_called(tokens, reading))
        return;
    skip_front(&name);
    skip_back(&name);
    if (is_no_name(&name) || !find_names(&name) || !drop_initials(&name) ||
        run_find(tokens, tokens_all(tokens), MEANING_NO_ANSWER) < tokens->count) {
        read_nothing(tokens, reading);
        return;
    }
    drop_repeated(&name);
    if (name.count > 1)
        read_candidates(&name, reading);
    else
        read_run(tokens, name.names[0],
                 name.doubt || guard_is_unusual(tokens, name.names[0]) ||
                     run_find(tokens, name.names[0], odd) < name.names[0].end,
                 reading);
}
