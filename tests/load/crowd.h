/*
 * The people who write: everybody is a number, from which follow telephone number, answers, and
 * what happens on the way. Nothing is kept, so that a million of them may be in the middle of
 * their conversations.
 */
#ifndef LOAD_CROWD_H
#define LOAD_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CROWD_ANSWERS 5
#define CROWD_TEXT_MAX 64

struct crowd {
    uint32_t run;    /* makes the people of one run differ from those of another */
    uint64_t apart;  /* who comes back is so many people behind himself, 0: nobody does */
    bool plain;      /* a greeting and five answers, nothing else */
    uint64_t phones; /* so many, each for one after another; 0: everybody has one */
};

enum line_kind {
    LINE_GREETING,
    LINE_ANSWER,  /* the right answer to question `step` */
    LINE_WRONG,   /* a wrong one */
    LINE_HELP,    /* help, while `step` is open */
    LINE_RESTART, /* from the start, while `step` is open */
};

/* What somebody writes at one time. */
struct line {
    enum line_kind kind;
    unsigned step;
    bool last;   /* the code is the reply */
    bool known;  /* ... and this number has had it before */
    uint64_t id; /* of the message; the same when the provider delivers it once more */
    char text[CROWD_TEXT_MAX];
};

/* Line `turn` (from 0) of person `serial`. */
void crowd_line(const struct crowd *crowd, uint64_t serial, unsigned turn, struct line *line);

/* The same person's answers. */
void crowd_answers(const struct crowd *crowd, uint64_t serial,
                   char answers[CROWD_ANSWERS][CROWD_TEXT_MAX]);

/* The same person's number, +243…; a shared one is the same in every run. */
#define CROWD_NUMBER_MAX 24
void crowd_number(const struct crowd *crowd, uint64_t serial, char number[CROWD_NUMBER_MAX]);

#endif
