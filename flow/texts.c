/*
 * What a conversation holds of a person's words: the answers as they were read, and, while it is
 * asked which of several names is meant, these. End to end in one buffer; bytes that are no longer
 * needed are wiped.
 */
#include "flow/turn.h"

#include <string.h>

static size_t count_of(const struct conversation *conversation)
{
    return (size_t)conversation->answer_count + conversation->candidate_count;
}

static size_t begin_of(const struct conversation *conversation, size_t index)
{
    return index == 0 ? 0 : conversation->answer_end[index - 1];
}

size_t texts_length(const struct conversation *conversation)
{
    return begin_of(conversation, count_of(conversation));
}

struct uic_text texts_get(const struct conversation *conversation, size_t index)
{
    const size_t begin = begin_of(conversation, index);

    return (struct uic_text){.bytes = conversation->answers + begin,
                             .length = conversation->answer_end[index] - begin};
}

/* Wipes what stands behind the first count texts; was is how long all were. */
static void wipe_behind(struct conversation *conversation, size_t count, size_t was)
{
    const size_t length = begin_of(conversation, count);

    if (length < was)
        explicit_bzero(conversation->answers + length, was - length);
    explicit_bzero(conversation->answer_end + count,
                   sizeof conversation->answer_end - count * sizeof *conversation->answer_end);
}

void texts_drop(struct conversation *conversation, uint8_t count)
{
    const size_t was = texts_length(conversation);

    near_forget(conversation);
    conversation->candidate_count = 0;
    conversation->answer_count = count;
    conversation->step = count;
    conversation->moved_by_answer = false;
    conversation->text_id = 0;
    conversation->doubt &= (uint16_t)((1u << count) - 1);
    wipe_behind(conversation, count, was);
}

void texts_drop_candidates(struct conversation *conversation)
{
    const size_t was = texts_length(conversation);

    if (conversation->candidate_count == 0)
        return;
    conversation->candidate_count = 0;
    wipe_behind(conversation, conversation->answer_count, was);
}

/* Makes the text at index as long as length, and moves those behind it. */
static bool make_room(struct conversation *conversation, size_t index, size_t length)
{
    const size_t begin = begin_of(conversation, index), end = conversation->answer_end[index];
    const size_t was = texts_length(conversation), now = was - (end - begin) + length;

    if (now > sizeof conversation->answers)
        return false;
    memmove(conversation->answers + begin + length, conversation->answers + end, was - end);
    for (size_t i = index; i < count_of(conversation); i++)
        conversation->answer_end[i] = (uint16_t)(conversation->answer_end[i] + now - was);
    if (now < was)
        explicit_bzero(conversation->answers + now, was - now);
    return true;
}

static bool put(struct conversation *conversation, size_t index, const char *text, size_t length)
{
    if (!make_room(conversation, index, length))
        return false;
    memcpy(conversation->answers + begin_of(conversation, index), text, length);
    return true;
}

bool texts_put(struct conversation *conversation, uint8_t step, const char *text, size_t length)
{
    texts_drop_candidates(conversation);
    if (step == conversation->answer_count) {
        conversation->answer_end[step] = (uint16_t)texts_length(conversation);
        conversation->answer_count++;
    }
    return put(conversation, step, text, length);
}

bool texts_put_candidate(struct conversation *conversation, const char *text)
{
    const size_t index = count_of(conversation);

    conversation->answer_end[index] = (uint16_t)texts_length(conversation);
    conversation->candidate_count++;
    return put(conversation, index, text, strlen(text));
}

int texts_pick(const struct conversation *conversation, const char *text, size_t length)
{
    struct uic_text names[FLOW_READING_CANDIDATES_MAX];

    for (size_t i = 0; i < conversation->candidate_count; i++)
        names[i] = texts_get(conversation, conversation->answer_count + i);
    return pick_name(names, conversation->candidate_count, text, length);
}

int conversation_answers(const struct flow *flow, const struct conversation *conversation,
                         char room[FLOW_NORMALIZED_MAX], struct uic_text answers[FLOW_STEPS_MAX])
{
    char error[160];
    size_t used = 0;

    for (size_t i = 0; i < conversation->answer_count; i++) {
        const struct uic_text said = texts_get(conversation, i);

        answers[i].bytes = room + used;
        if (flow_answer(flow, i, said.bytes, said.length, false, 0, room + used,
                        FLOW_NORMALIZED_MAX - used, &answers[i].length, error) != 0)
            return -1;
        used += answers[i].length;
    }
    return 0;
}

void conversation_read(const struct conversation *conversation,
                       struct uic_text read[FLOW_STEPS_MAX])
{
    for (size_t i = 0; i < conversation->answer_count; i++)
        read[i] = texts_get(conversation, i);
}
