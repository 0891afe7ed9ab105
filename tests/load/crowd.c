/* Who writes what. Out of a hundred people ten were here before, and of every hundred eight answer
 * wrongly once, four ask for help, two start again, and two are delivered twice. */
#include "tests/load/crowd.h"

#include <stdio.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define YEARS 75

static const char *const places[] = {
    "Kinshasa", "Lubumbashi", "Mbuji-Mayi", "Kisangani", "Kananga", "Likasi",  "Kolwezi", "Goma",
    "Bukavu",   "Tshikapa",   "Bunia",      "Uvira",     "Butembo", "Matadi",  "Boma",    "Kikwit",
    "Kindu",    "Isiro",      "Kalemie",    "Beni",      "Gemena",  "N’Djili", "Kabinda", "Moanda"};
static const char *const first_names[] = {
    "Jean",    "Gédéon",  "Béatrice", "Chancelle", "Aimé",      "Noëlla", "François", "Célestin",
    "Kapinga", "Mwamba",  "Ilunga",   "Espérance", "Fidèle",    "Grâce",  "Héritier", "Innocent",
    "Joël",    "Kasongo", "Léontine", "Merveille", "Nathanaël", "Odette", "Patience", "Rébecca",
    "Sifa",    "Thérèse", "Yves",     "Zoé",       "Désiré",    "Furaha", "Bahati",   "Neema"};
static const char *const syllables[] = {"ka", "bi", "la", "mu",   "to", "ndo", "sé", "ngo",
                                        "wa", "li", "tu", "tshi", "ba", "ku",  "ma", "yo"};

/* One of the well-known ways to spread a counter's bits over all 64. */
static uint64_t spread(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t luck_of(const struct crowd *crowd, uint64_t serial)
{
    return spread(serial ^ (uint64_t)crowd->run << 32);
}

/* Whose number and answers somebody has: his own, or those of an earlier visit. */
static uint64_t identity_of(const struct crowd *crowd, uint64_t serial)
{
    while (crowd->apart > 0 && serial >= crowd->apart && luck_of(crowd, serial) % 10 == 0)
        serial -= crowd->apart;
    return serial;
}

/* Syllables that spell a number, no two numbers alike; the first ones differ the most. */
static void spell(uint64_t number, char text[CROWD_TEXT_MAX])
{
    size_t length = 0;

    do {
        const char *syllable = syllables[number % COUNT(syllables)];
        size_t n = strlen(syllable);
        memcpy(text + length, syllable, n);
        length += n;
        number /= COUNT(syllables);
    } while (number > 0 && length + 8 < CROWD_TEXT_MAX);
    text[length] = '\0';
    text[0] = (char)(text[0] - 'a' + 'A');
}

static void print_number(unsigned number, char *text)
{
    char digits[10], *at = digits + sizeof digits;

    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    memcpy(text, at, (size_t)(digits + sizeof digits - at));
    text[digits + sizeof digits - at] = '\0';
}

/* Year and day of birth in one number. No two of the next two thousand on one phone have
 * both, so that nobody is asked whether they are one person. */
static uint64_t birth_of(const struct crowd *crowd, uint64_t identity)
{
    const uint64_t luck = luck_of(crowd, identity) >> 8;

    return crowd->phones > 0 ? identity / crowd->phones + crowd->run * 977ull
                             : luck % YEARS + YEARS * (luck >> 24 & 0xff);
}

static void answer_of(const struct crowd *crowd, uint64_t identity, unsigned step,
                      char text[CROWD_TEXT_MAX])
{
    uint64_t luck = luck_of(crowd, identity) >> 8;

    switch (step) {
    case 0:
        print_number(1935 + (unsigned)(birth_of(crowd, identity) % YEARS), text);
        break;
    case 1:
        strcpy(text, places[(luck >> 8) % COUNT(places)]);
        break;
    case 2:
        strcpy(text, first_names[(luck >> 16) % COUNT(first_names)]);
        break;
    case 3:
        print_number(1 + (unsigned)(birth_of(crowd, identity) / YEARS % 31), text);
        break;
    default:
        /* Sixteen bits of luck first, for codes show the beginning. */
        spell((luck >> 32 & 0xffff) | (identity + 1) << 16, text);
    }
}

void crowd_answers(const struct crowd *crowd, uint64_t serial,
                   char answers[CROWD_ANSWERS][CROWD_TEXT_MAX])
{
    uint64_t identity = identity_of(crowd, serial);

    for (unsigned step = 0; step < CROWD_ANSWERS; step++)
        answer_of(crowd, identity, step, answers[step]);
}

void crowd_number(const struct crowd *crowd, uint64_t serial, char number[CROWD_NUMBER_MAX])
{
    const uint64_t identity = identity_of(crowd, serial);
    uint64_t rest = crowd->phones > 0
                        ? identity % crowd->phones
                        : (crowd->run % 10000 * 100000000ull + identity) % 1000000000000ull;

    memcpy(number, "+243", 4);
    for (int i = 15; i >= 4; i--, rest /= 10)
        number[i] = (char)('0' + rest % 10);
    number[16] = '\0';
}

/* What is out of the ordinary with somebody. */
enum extra { EXTRA_NONE, EXTRA_WRONG, EXTRA_HELP, EXTRA_RESTART, EXTRA_AGAIN };

static enum extra extra_of(uint64_t luck)
{
    unsigned percent = (unsigned)(luck >> 48) % 100;

    return percent < 8    ? EXTRA_WRONG
           : percent < 12 ? EXTRA_HELP
           : percent < 14 ? EXTRA_RESTART
           : percent < 16 ? EXTRA_AGAIN
                          : EXTRA_NONE;
}

static void say(struct line *line, enum line_kind kind, unsigned step, const char *text)
{
    line->kind = kind;
    line->step = step;
    strcpy(line->text, text);
}

/* Greeting, then one answer after the other. */
static void say_ordinary(const struct crowd *crowd, uint64_t identity, unsigned turn,
                         struct line *line)
{
    if (turn == 0) {
        say(line, LINE_GREETING, 0, "Bonjour");
        return;
    }
    line->kind = LINE_ANSWER;
    line->step = turn - 1;
    line->last = turn == CROWD_ANSWERS;
    answer_of(crowd, identity, turn - 1, line->text);
}

/* The extra comes while question `step` is open, and the ordinary ones move behind it. */
void crowd_line(const struct crowd *crowd, uint64_t serial, unsigned turn, struct line *line)
{
    uint64_t luck = luck_of(crowd, serial), identity = identity_of(crowd, serial);
    enum extra extra = crowd->plain ? EXTRA_NONE : extra_of(luck);
    unsigned step = (unsigned)(luck >> 56) % CROWD_ANSWERS;

    *line = (struct line){.id = serial << 8 | turn, .known = identity != serial};
    if (extra == EXTRA_NONE || turn <= step) {
        say_ordinary(crowd, identity, turn, line);
    } else if (turn > step + 1) {
        say_ordinary(crowd, identity, extra == EXTRA_RESTART ? turn - step - 1 : turn - 1, line);
    } else if (extra == EXTRA_AGAIN) {
        say_ordinary(crowd, identity, step, line);
        line->id--;
    } else if (extra == EXTRA_WRONG) {
        say(line, LINE_WRONG, step, "?!");
    } else if (extra == EXTRA_HELP) {
        say(line, LINE_HELP, step, "Aide");
    } else {
        say(line, LINE_RESTART, step, "RECOMMENCER");
    }
}
