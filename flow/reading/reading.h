/*
 * reading: what a person wrote, read as a careful nurse would: an answer, an answer in doubt, or
 * nothing, and then the question is to be asked again. Nothing is guessed.
 *
 *     struct words *words = words_new();          the meanings of words, of all languages at once
 *     words_add(words, MEANING_NUMBER, "quinze", 15, NULL); ... words_sort(words);
 *     tokens_read(&tokens, words, text, length);  once; then rules over the tokens:
 *     read_day(&tokens, 1, 31, &reading);
 *
 * Pure. After words_sort a struct words may be used by all threads at once; tokens and readings
 * belong to their caller, hold what a person said, and are to be wiped by him.
 */
#ifndef FLOW_READING_H
#define FLOW_READING_H

#include "flow/reading/result.h"
#include "uic/uic.h"
#include <stdbool.h>

/* Characters of a message that are looked at; a longer one is no answer. */
#define TOKENS_CHARACTERS_MAX FLOW_ANSWER_CHARACTERS_MAX
#define TOKENS_BYTES_MAX (TOKENS_CHARACTERS_MAX * 4)
#define TOKENS_MAX 40
/* Words of a place or name at most. */
#define READING_WORDS_MAX 3

/* What a word can mean, one word several things: "na" is "at" and "and". The names are those of the
 * files in flow/words. */
#define MEANING_LIST(X)                                                                       \
    X(GRAMMAR, "grammar")     /* holds a sentence together, is never an answer itself */      \
    X(OTHER, "other")         /* of another sentence than an answer's */                      \
    X(AND, "and")             /* between number words */                                      \
    X(EITHER, "either")       /* or, before, between: what is said is not one thing */        \
    X(ABOUT, "about")         /* around: said with doubt */                                   \
    X(POLITE, "polite")       /* please, hello, ok: around an answer, but none */             \
    X(NO_ANSWER, "no_answer") /* who says it does not know, or has said it already */         \
    X(NUMBER, "number")       /* has a value, 0 to 99 */                                      \
    X(HUNDRED, "hundred")     /* cent: counted by the word before it */                       \
    X(THOUSAND, "thousand")   /* mille, the same */                                           \
    X(TIMES, "times")         /* mia, ntuku: has a value, counted by the word behind it */    \
    X(ORDINAL, "ordinal")     /* the ending of "15e" */                                       \
    X(MONTH, "month")         /* has a value, 1 to 12 */                                      \
    X(WEEKDAY, "weekday")                                                                     \
    X(DAY, "day")               /* the word "day" or "date" */                                \
    X(MONTH_LABEL, "the_month") /* the word "month": the number behind it is no day */        \
    X(YEAR, "year")             /* the word "year" */                                         \
    X(AGE, "age")               /* with it a number is an age */                              \
    X(BORN, "born")             /* behind it stands where or when */                          \
    X(AT, "at")                 /* in front of a place */                                     \
    X(KIND, "kind_of_place")    /* town, village */                                           \
    X(REGION, "region")         /* province or country: behind a place it only explains it */ \
    X(TOWN, "town")             /* known well enough that what follows it is a part of it */  \
    X(SHORT, "short")           /* of a place: has the place in full */                       \
    X(LABEL, "label")           /* "name", "my name is" */                                    \
    X(TITLE, "title")           /* Mr, Papa */                                                \
    X(PARTICLE, "particle")     /* ties two words to one name: wa, de */                      \
    X(DOUBLE, "double")         /* a first name of two words */                               \
    X(ALIAS, "alias")           /* "called": what follows is another name */                  \
    X(CALLED, "called")         /* "my name is": what follows is a name, polite or not */     \
    X(YES, "yes")               /* to the question whether all is right */                    \
    X(NO, "no")

enum meaning_index {
#define X(name, word) MEANING_INDEX_##name,
    MEANING_LIST(X)
#undef X
        MEANING_COUNT
};
enum meaning {
#define X(name, word) MEANING_##name = 1u << MEANING_INDEX_##name,
    MEANING_LIST(X)
#undef X
};

_Static_assert(MEANING_COUNT <= 32, "a word's meanings are the bits of a uint32_t");

#define WORD_KEY_MAX 32
#define WORD_FULL_MAX 20
#define WORD_VALUE_MAX 1000
/* Words that a struct words can hold. */
#define WORDS_MAX 8192

struct word {
    char key[WORD_KEY_MAX]; /* normalised: "nee", "Née" and "née" are NEE */
    uint32_t meanings;
    int16_t number; /* NUMBER, TIMES */
    int16_t month;  /* MONTH */
    char full[WORD_FULL_MAX + 1];
};

struct words;

/* NULL when memory ran out. */
struct words *words_new(void);
void words_free(struct words *words);
/* value is for numbers and months, full for SHORT; of both a word keeps what it was given first.
 * Returns 0, or -1 when the text leaves no key or too long a one, there are too many words, or
 * memory ran out. */
int words_add(struct words *words, enum meaning meaning, const char *text, int value,
              const char *full);
/* After the last words_add, before the first words_find. */
void words_sort(struct words *words);
/* The same for the same words with the same meanings, wherever they came from. */
int words_version(const struct words *words, uint64_t *version);
/* NULL when the word is not known. */
const struct word *words_find(const struct words *words, const char *key);

/* characters.c */
enum character_kind {
    CHARACTER_SPACE,
    CHARACTER_LETTER,
    CHARACTER_DIGIT,
    CHARACTER_JOINER,
    CHARACTER_BREAK,
    CHARACTER_NOTHING
};

struct character {
    enum character_kind kind;
    uint32_t code;
    uint8_t size;
    char punctuation; /* JOINER: ' or -; BREAK: which */
    int digit;
};

/* The character at the front of a text; false at its end. */
bool character_next(const char *at, const char *end, struct character *character);
/* The first one from `at` on that is more than nothing. */
bool character_peek(const char *at, const char *end, struct character *character);
/* How many a text of UTF-8 has. */
size_t text_characters(const char *text, size_t length);

enum token_kind {
    TOKEN_WORD,
    TOKEN_NUMBER, /* digits */
    TOKEN_BREAK,  /* a comma, a bracket; a dash or stop between numbers */
};

struct token {
    enum token_kind kind;
    bool glued;       /* follows the token before without a space */
    bool hyphened;    /* a WORD of several parts: Jean-Pierre */
    bool lookalike;   /* a NUMBER in which letters stood for digits: l985 */
    char punctuation; /* BREAK: which one */
    uint8_t digits;   /* NUMBER: how many */
    uint16_t at;      /* in tokens.text */
    uint16_t length;  /* WORD: bytes; NUMBER: 0 */
    int32_t value;    /* NUMBER, -1 beyond nine digits; WORD that is a number: its value */
    uint8_t month;    /* WORD that is a month */
    uint32_t meanings;
    const char *full; /* SHORT */
};

struct tokens {
    const struct words *words;
    size_t count;
    bool asked; /* a question mark stood behind something */
    bool too_long;
    size_t text_length;
    struct token list[TOKENS_MAX];
    char text[TOKENS_BYTES_MAX]; /* of the words, without what is only dress */
};

/* Takes a text apart: emoji, stars, quotes and invisible characters are dress and fall away. The
 * text is UTF-8; where it is not, it ends. */
void tokens_read(struct tokens *tokens, const struct words *words, const char *text, size_t length);
/* The key of a token, of two that stand side by side, or of a part of one. */
bool token_key(const struct tokens *tokens, size_t first, size_t last, char key[WORD_KEY_MAX]);

/* Makes a word of several parts its first part; false when it has one only. */
bool token_front(const struct tokens *tokens, struct token *token);

/* A run of tokens, from first to before end. */
struct run {
    size_t first;
    size_t end;
};

static inline bool token_means(const struct token *token, uint32_t meanings)
{
    return token->kind == TOKEN_WORD && (token->meanings & meanings) != 0;
}

static inline struct run tokens_all(const struct tokens *tokens)
{
    return (struct run){0, tokens->count};
}

/* guard.c: what all readers ask. */
/* The first token of the run that means one of these; run.end when there is none. */
size_t run_find(const struct tokens *tokens, struct run run, uint32_t meanings);
/* Without the words at the front, or at the back, that mean one of these. */
struct run run_strip_front(const struct tokens *tokens, struct run run, uint32_t meanings);
struct run run_strip_back(const struct tokens *tokens, struct run run, uint32_t meanings);
/* Whether every word of the run means one of these; numbers and breaks do not count. */
bool run_is_all(const struct tokens *tokens, struct run run, uint32_t meanings);
/* Whether something is left in the run that no place and no name is made of. */
bool guard_refuses(const struct tokens *tokens, struct run run);
/* Whether one word is oddly short, without a vowel, or drawn out. */
bool guard_is_unusual(const struct tokens *tokens, struct run run);
/* The reading of what is no answer: of one that says so, or of one not understood. */
void read_nothing(const struct tokens *tokens, struct flow_reading *reading);
/* The reading of a run of words, as they were written. */
void read_run(const struct tokens *tokens, struct run run, bool doubt,
              struct flow_reading *reading);
void read_number(int64_t value, bool doubt, struct flow_reading *reading);

/* number.c: the number that is said in words from token `at` on; -1 when there is none. *end is the
 * first token behind it. */
int32_t number_in_words(const struct tokens *tokens, size_t at, size_t *end);

/* A year from min to max; now_year tells which century two digits mean. */
void read_year(struct tokens *tokens, int64_t min, int64_t max, int64_t now_year,
               struct flow_reading *reading);
/* A day of the month. */
void read_day(const struct tokens *tokens, int64_t min, int64_t max, struct flow_reading *reading);
void read_place(const struct tokens *tokens, struct flow_reading *reading);
void read_name(const struct tokens *tokens, struct flow_reading *reading);

/* choice.c: which of at most 32 choices is meant, each of which goes by several names:
 *     choosing_begin(&choosing, &tokens); choosing_name(&choosing, 0, "Kwango"); ...
 *     fits = choosing_end(&choosing, count, &doubt);
 * Holds what a person said: wipe it. */
#define CHOICE_KEY_MAX 256

struct choosing {
    const struct tokens *tokens;
    char keys[TOKENS_MAX][WORD_KEY_MAX];
    uint8_t lengths[TOKENS_MAX]; /* of the longest name that begins at a token; 0: none */
    uint32_t fits[TOKENS_MAX];   /* the choices that it means */
    uint32_t alike;              /* those with a name that sounds like all that was said */
    char sound[CHOICE_KEY_MAX];
};

void choosing_begin(struct choosing *choosing, const struct tokens *tokens);
void choosing_name(struct choosing *choosing, size_t choice, const char *name);
/* The choices, as bits, that may be meant: of several the person is to say which; 0 when it is not
 * understood. */
uint32_t choosing_end(const struct choosing *choosing, size_t count, bool *doubt);

/* assent.c */
enum assent {
    ASSENT_NONE,
    ASSENT_YES,
    ASSENT_NO,
    ASSENT_DOUBT, /* rather a no: "almost", "wrong", "I think" */
    ASSENT_NUMBER,
};
/* What is said to a numbered list of max lines that may be right; *number is that of a line. */
enum assent read_assent(const struct tokens *tokens, size_t max, size_t *number);
/* The same to a question with max answers, where a wrong one harms: a number is one when it is all
 * that is said, and "ok" is no yes. */
enum assent read_choice(const struct tokens *tokens, size_t max, size_t *number);

#endif
