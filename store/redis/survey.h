/* Reads what Redis tells of itself. */
#ifndef STORE_REDIS_SURVEY_H
#define STORE_REDIS_SURVEY_H

#include "store/health.h"

/* The answers to INFO, and to CONFIG GET save its value: NULL where it may not be asked. */
void redis_survey_read(struct redis_survey *survey, const char *info, const char *save);

#endif
