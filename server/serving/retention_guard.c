/* The rules, and nothing else: pure. */
#include "server/serving/retention_guard.h"

#define AHEAD_US (RETENTION_AHEAD_DAYS * INT64_C(86400000000))

enum retention_hold retention_judge(const struct record_survey *survey)
{
    const int64_t back_us = survey->now_us - AHEAD_US;

    if (survey->due == 0)
        return RETENTION_FREE;
    if (back_us > survey->newest_us)
        return RETENTION_QUIET;
    if (survey->trusted_us != INT64_MIN && back_us > survey->trusted_us)
        return RETENTION_JUMP;
    return survey->due > RETENTION_RECORDS_MAX && survey->due > survey->records / RETENTION_PART_MAX
               ? RETENTION_MANY
               : RETENTION_FREE;
}

const char *retention_hold_name(enum retention_hold hold, bool english)
{
    static const struct {
        const char *french, *english;
    } names[] = {
        [RETENTION_FREE] = {"rien", "nothing"},
        [RETENTION_QUIET] = {"l’horloge a plus de 30 jours d’avance sur la dernière demande",
                             "the clock is more than 30 days beyond the newest record"},
        [RETENTION_JUMP] = {"l’horloge a sauté de plus de 30 jours",
                            "the clock has jumped by more than 30 days"},
        [RETENTION_MANY] = {"plus d’un dixième de tous les codes",
                            "more than a tenth of all records"},
    };

    return english ? names[hold].english : names[hold].french;
}
