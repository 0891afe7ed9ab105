/* A message as an answer to a step: which reader takes it, and with which bounds. */
#include "flow/definition.h"
#include "flow/reading/reading.h"

#include <stdio.h>
#include <string.h>

void flow_reading_wipe(struct flow_reading *reading)
{
    for (size_t i = 0; i < reading->candidate_count; i++)
        explicit_bzero(reading->candidates[i], strlen(reading->candidates[i]));
    explicit_bzero(reading->text, reading->length);
    reading->candidate_count = 0;
    reading->length = 0;
}

static int refuse(struct flow_reading *reading, enum flow_reading_kind kind)
{
    flow_reading_wipe(reading);
    reading->kind = kind;
    return -1;
}

static void take_plainly(struct flow_reading *reading, const char *text, size_t length)
{
    reading->kind = FLOW_READ;
    reading->candidate_count = 0;
    reading->length = length < sizeof reading->text ? length : 0;
    memcpy(reading->text, text, reading->length);
    reading->text[reading->length] = '\0';
}

static void read_carefully(const struct flow *flow, const struct question *question,
                           struct tokens *tokens, struct uic_text said, int64_t now_s,
                           struct flow_reading *reading)
{
    const int64_t year = year_of(now_s);

    if (question->type == ANSWER_CHOICE)
        choose_read(flow, question, tokens, said.bytes, said.length, reading);
    else if (tokens->count == 0)
        read_nothing(tokens, reading);
    else if (question->type == ANSWER_YEAR)
        read_year(tokens, question->min, question->max_is_now ? year : question->max, year,
                  reading);
    else if (question->type == ANSWER_INTEGER)
        read_day(tokens, question->min, question->max, reading);
    else if (question->holds == HOLDS_PLACE)
        read_place(tokens, reading);
    else
        read_name(tokens, reading);
}

static void explain(enum flow_reading_kind kind, char error[160])
{
    snprintf(error, 160, "expected %s",
             kind == FLOW_READ_NO_ANSWER ? "an answer; this says that there is none"
                                         : "an answer that can be told from the words around it");
}

int flow_read(const struct flow *flow, size_t step, const char *text, size_t length, int64_t now_s,
              struct flow_reading *reading, char *out, size_t capacity, size_t *out_length,
              char error[160])
{
    struct tokens tokens;

    if (step >= flow->step_count || !flow->questions[step].careful) {
        take_plainly(reading, text, length);
        if (flow_answer(flow, step, text, length, true, now_s, out, capacity, out_length, error) <
            0)
            return refuse(reading, FLOW_READ_AGAIN);
        return 0;
    }
    *out_length = 0;
    reading->candidate_count = 0;
    tokens_read(&tokens, flow->words, text, length);
    read_carefully(flow, &flow->questions[step], &tokens, (struct uic_text){text, length}, now_s,
                   reading);
    explicit_bzero(tokens.text, tokens.text_length);
    explicit_bzero(tokens.list, tokens.count * sizeof *tokens.list);
    if (reading->kind == FLOW_READ_AGAIN || reading->kind == FLOW_READ_NO_ANSWER) {
        explain(reading->kind, error);
        return -1;
    }
    for (size_t i = 0; i < reading->candidate_count; i++) /* each may be the answer */
        if (flow_answer(flow, step, reading->candidates[i], strlen(reading->candidates[i]), true,
                        now_s, out, capacity, out_length, error) != 0)
            return refuse(reading, FLOW_READ_AGAIN);
    if (flow_answer(flow, step, reading->text, reading->length, true, now_s, out, capacity,
                    out_length, error) != 0)
        return refuse(reading, FLOW_READ_AGAIN);
    return 0;
}
