/* A message as an answer to a careful step of choices: exactly one of them, or read out of what was
 * said. */
#include "flow/turn.h"

#include <stdio.h>
#include <string.h>

/* Byte by byte, as a button has it, and a program that writes answers. */
static bool is_value(const struct choice *choice, struct uic_text said)
{
    text_strip(&said.bytes, &said.length);
    return choice->value != NULL && strlen(choice->value) == said.length &&
           memcmp(choice->value, said.bytes, said.length) == 0;
}

/* The choices that may be meant, by their labels or also by their other names. */
static uint32_t find_fits(const struct flow *flow, const struct question *question,
                          const struct tokens *tokens, bool also, bool *doubt)
{
    struct choosing choosing;

    choosing_begin(&choosing, tokens);
    for (size_t i = 0; i < question->choice_count; i++) {
        const struct choice *choice = &question->choices[i];

        for (size_t j = 0; j < flow->language_count; j++)
            if (j == 0 || choice->labels[j] != choice->labels[0])
                choosing_name(&choosing, i, choice->labels[j]);
        for (size_t j = 0; also && j < choice->also_count; j++)
            choosing_name(&choosing, i, choice->also[j]);
    }
    const uint32_t fits = choosing_end(&choosing, question->choice_count, doubt);
    explicit_bzero(&choosing, sizeof choosing);
    return fits;
}

/* A line as the list shows it, which picks this choice and no other. */
static size_t write_line(const struct question *question, int choice, char out[FLOW_READING_MAX])
{
    return (size_t)snprintf(out, FLOW_READING_MAX, "%d. %s", choice + 1,
                            question->choices[choice].labels[0]);
}

static void take(const struct question *question, int choice, bool doubt,
                 struct flow_reading *reading)
{
    reading->kind = doubt ? FLOW_READ_DOUBTFUL : FLOW_READ;
    reading->length = write_line(question, choice, reading->text);
}

static void take_which(const struct question *question, uint32_t fits, int first,
                       struct flow_reading *reading)
{
    take(question, first, true, reading);
    reading->kind = FLOW_READ_WHICH;
    for (int i = 0; i < (int)question->choice_count; i++)
        if ((fits & UINT32_C(1) << i) != 0)
            write_line(question, i, reading->candidates[reading->candidate_count++]);
}

void choose_read(const struct flow *flow, const struct question *question,
                 const struct tokens *tokens, const char *text, size_t length,
                 struct flow_reading *reading)
{
    const int picked = tokens->too_long ? -1 : pick_choice(flow, question, text, length);
    const bool numbered = tokens->count > 0 && tokens->list[0].kind == TOKEN_NUMBER;
    bool doubt = false;

    if (picked >= 0 &&
        (numbered || is_value(&question->choices[picked], (struct uic_text){text, length}))) {
        take(question, picked, tokens->asked, reading);
        return;
    }
    uint32_t fits = find_fits(flow, question, tokens, true, &doubt);
    const bool too_many = __builtin_popcount(fits) > FLOW_READING_CANDIDATES_MAX;
    if (too_many)
        fits = find_fits(flow, question, tokens, false, &doubt);
    const int first = picked >= 0 ? picked : __builtin_ffs((int)fits) - 1;
    if (__builtin_popcount(fits) <= 1 && first >= 0)
        take(question, first, too_many || (picked >= 0 ? tokens->asked : doubt), reading);
    else if (fits == 0 || too_many)
        read_nothing(tokens, reading);
    else
        take_which(question, fits, first, reading);
}

uint32_t choose_listed(const struct flow *flow, const struct question *question,
                       const struct conversation *conversation)
{
    uint32_t listed = 0;

    for (size_t i = 0; i < conversation->candidate_count; i++) {
        const struct uic_text line =
            texts_get(conversation, (size_t)conversation->answer_count + i);
        const int picked = pick_choice(flow, question, line.bytes, line.length);

        if (picked >= 0)
            listed |= UINT32_C(1) << picked;
    }
    return listed != 0 ? listed : UINT32_MAX;
}
