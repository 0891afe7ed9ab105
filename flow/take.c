/*
 * What a person answers: read, and kept as it was read; of several names it is asked which. The
 * same text again may be the same message twice, and one that was sent before the last answer makes
 * that answer uncertain: neither is an answer.
 */
#include "flow/turn.h"

#include <string.h>

static bool wants_words(const struct question *question)
{
    return question->type == ANSWER_TEXT || question->type == ANSWER_LETTERS ||
           (question->type == ANSWER_CHOICE && question->careful);
}

static bool begins_with_digit(const struct flow_message *message)
{
    return message->length > 0 && message->text[0] >= '0' && message->text[0] <= '9';
}

static bool is_choice(const struct turn *turn)
{
    return turn->flow->questions[turn->conversation->step].type == ANSWER_CHOICE;
}

/* Answers that are in may have been meant for other questions: they are asked again. */
static enum flow_event take_crossed(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;
    const uint8_t crossed = order_crossed_answers(conversation, turn->message);

    /* Once a code was looked for, the answers stay. */
    if (crossed > 0 && conversation->state != CONVERSATION_NEAR)
        texts_drop(conversation, (uint8_t)(conversation->answer_count - crossed));
    return turn_move(conversation, turn_open(turn), FLOW_REPLY_CROSSED, FLOW_EVENT_CROSSED);
}

/* Notes the text and its time: by them the same text again, and what was sent before it, are
 * known. */
static void note_order(const struct turn *turn, bool last)
{
    struct conversation *conversation = turn->conversation;

    const bool words = wants_words(&turn->flow->questions[conversation->step]) &&
                       !(is_choice(turn) && begins_with_digit(turn->message));

    if (last || (!words && !conversation->moved_by_answer))
        conversation->text_id = 0; /* a greeting; and behind the code only the last answer counts */
    if (words || (last && turn->flow->asks_near)) /* "2" again is no answer to what is asked then */
        order_note_text(conversation, turn->message, turn->now_s);
    order_note_move(conversation, turn->message);
}

static enum flow_event accept(const struct turn *turn, const char *text, size_t length,
                              bool doubtful)
{
    struct conversation *conversation = turn->conversation;
    const bool correcting = review_is_correcting(turn->flow, conversation);
    const bool last = correcting || conversation->step + 1u == turn->flow->step_count;

    if (!texts_put(conversation, conversation->step, text, length))
        return turn_move(conversation, CONVERSATION_ASKING, FLOW_REPLY_INVALID, FLOW_EVENT_INVALID);
    note_order(turn, last);
    if (doubtful)
        conversation->doubt |= (uint16_t)(1u << conversation->step);
    turn->outcome->doubtful = doubtful;
    turn->outcome->corrected = correcting;
    conversation->moved_by_answer = !correcting;
    if (last)
        return review_answers(turn, correcting);
    conversation->step++;
    return turn_move(conversation, CONVERSATION_ASKING, FLOW_REPLY_ACCEPTED, FLOW_EVENT_ACCEPTED);
}

static enum flow_event refuse(const struct turn *turn, enum flow_reading_kind kind)
{
    const bool not_known = kind == FLOW_READ_NO_ANSWER;

    if (is_choice(turn)) /* none of these few: all are open again */
        texts_drop_candidates(turn->conversation);
    turn->outcome->not_known = not_known;
    turn->outcome->asked_again = !not_known;
    return turn_move(turn->conversation, CONVERSATION_ASKING,
                     not_known ? FLOW_REPLY_NO_ANSWER : FLOW_REPLY_INVALID,
                     not_known ? FLOW_EVENT_NO_ANSWER : FLOW_EVENT_INVALID);
}

static enum flow_event ask_which(const struct turn *turn, const struct flow_reading *reading)
{
    struct conversation *conversation = turn->conversation;
    bool room = true;

    texts_drop_candidates(conversation);
    for (size_t i = 0; i < reading->candidate_count && room; i++)
        room = texts_put_candidate(conversation, reading->candidates[i]);
    if (!room) {
        texts_drop_candidates(conversation);
        return refuse(turn, FLOW_READ_AGAIN);
    }
    turn->outcome->asked_which = true;
    return turn_move(conversation, CONVERSATION_ASKING, FLOW_REPLY_QUESTION, FLOW_EVENT_WHICH);
}

/* A text is kept as it was read, letters as they were checked, every other answer as it goes into
 * the code: what is told back is what the person knows. */
static enum flow_event take_reading(const struct turn *turn, const struct flow_reading *reading,
                                    struct uic_text said, struct uic_text normalized)
{
    const struct question *question = &turn->flow->questions[turn->conversation->step];
    const bool choosing = turn->conversation->candidate_count > 0;
    /* Who is asked which of several choices, and names one once more, means it. */
    const bool insists = choosing && is_choice(turn) &&
                         pick_choice(turn->flow, question, said.bytes, said.length) >= 0;
    struct uic_text kept = normalized;

    if (reading->kind == FLOW_READ_WHICH && !insists)
        return ask_which(turn, reading);
    if (question->type == ANSWER_TEXT && question->careful)
        kept = (struct uic_text){reading->text, reading->length};
    else if (question->type == ANSWER_TEXT) {
        text_strip(&said.bytes, &said.length);
        kept = said;
    }
    enum command command =
        question->careful ? command_find(turn->flow, kept.bytes, kept.length) : COMMAND_NONE;
    if (command != COMMAND_NONE) /* "stop, please" */
        return turn_obey(turn, command);
    /* Who is asked which of several may well speak of them: "the last one". */
    return accept(turn, kept.bytes, kept.length,
                  (choosing && !is_choice(turn)) || reading->kind != FLOW_READ);
}

static enum flow_event take_answer(const struct turn *turn, const char *text, size_t length)
{
    char normalized[ANSWER_ROOM_MAX], error[160];
    struct flow_reading reading;
    struct uic_text answer = {.bytes = normalized};
    const struct question *question = &turn->flow->questions[turn->conversation->step];
    enum flow_event event;
    bool good = flow_read(turn->flow, turn->conversation->step, text, length, turn->now_s, &reading,
                          normalized, sizeof normalized, &answer.length, error) == 0;

    if (good && question->type == ANSWER_LETTERS)
        good = uic_normalize(question_checked(question), text, length, normalized,
                             sizeof normalized, &answer.length) == UIC_OK;
    if (!good)
        event = refuse(turn, reading.kind);
    else
        event = take_reading(turn, &reading, (struct uic_text){text, length}, answer);
    flow_reading_wipe(&reading);
    explicit_bzero(normalized, answer.length);
    return event;
}

/* One of the names, or another answer. */
static enum flow_event take_candidate(const struct turn *turn, const char *text, size_t length)
{
    struct conversation *conversation = turn->conversation;
    const int picked = texts_pick(conversation, text, length);
    char name[FLOW_READING_MAX];

    if (picked < 0)
        return take_answer(turn, text, length);
    struct uic_text chosen = texts_get(conversation, conversation->answer_count + (size_t)picked);
    memcpy(name, chosen.bytes, chosen.length);
    enum flow_event event = accept(turn, name, chosen.length, false);
    explicit_bzero(name, chosen.length);
    return event;
}

static enum flow_event take(const struct turn *turn, const char *text, size_t length)
{
    if (turn->conversation->state == CONVERSATION_LANGUAGE)
        return turn_choose_language(turn, text, length);
    if (turn->conversation->state == CONVERSATION_REVIEW)
        return review_take(turn, text, length);
    if (turn->conversation->state == CONVERSATION_NEAR)
        return near_take(turn, text, length);
    if (turn->conversation->candidate_count > 0 && !is_choice(turn))
        return take_candidate(turn, text, length);
    return take_answer(turn, text, length);
}

/* Whether a yes or no is asked for, when all answers are in. */
static bool asks_assent(const struct conversation *conversation)
{
    return conversation->state == CONVERSATION_REVIEW || conversation->state == CONVERSATION_NEAR;
}

/* Whether the words taken last may be meant once more; they are a number when a name was picked by
 * it. */
static bool may_be_again(const struct turn *turn)
{
    const struct conversation *conversation = turn->conversation;
    const struct flow_message *message = turn->message;
    const bool is_pick = conversation->moved_by_answer && begins_with_digit(message);

    return asks_assent(conversation) ||
           ((wants_words(&turn->flow->questions[conversation->step]) || is_pick) &&
            texts_pick(conversation, message->text, message->length) < 0);
}

enum flow_event take_text(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;
    const struct flow_message *message = turn->message;

    if (conversation->state == CONVERSATION_LANGUAGE)
        return take(turn, message->text, message->length);
    if (may_be_again(turn) && order_is_again(conversation, message, turn->now_s)) {
        order_note_again(conversation);
        return turn_move(conversation, conversation->state,
                         asks_assent(conversation) ? FLOW_REPLY_QUESTION : FLOW_REPLY_REPEATED,
                         FLOW_EVENT_REPEATED);
    }
    if (order_is_crossed(conversation, message))
        return take_crossed(turn);
    if (conversation->state == CONVERSATION_NEAR && !near_was_read(turn))
        return turn_move(conversation, CONVERSATION_NEAR, FLOW_REPLY_QUESTION, FLOW_EVENT_CROSSED);
    return take(turn, message->text, message->length);
}

/* A button of another question than the open one answers nothing. */
enum flow_event take_button(const struct turn *turn)
{
    struct conversation *conversation = turn->conversation;
    size_t length;
    const char *answer = option_answer(turn->flow, conversation, turn->message->text,
                                       turn->message->length, &length);

    if (answer == NULL)
        return turn_move(conversation, conversation->state, FLOW_REPLY_ANSWERED,
                         FLOW_EVENT_ANSWERED);
    return take(turn, answer, length);
}
