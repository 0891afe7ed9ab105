/* One message's turn in a conversation: what the files that move it share. */
#ifndef FLOW_TURN_H
#define FLOW_TURN_H

#include "flow/definition.h"
#include "flow/reading/reading.h"

struct turn {
    const struct flow *flow;
    struct conversation *conversation;
    const struct flow_message *message;
    int64_t now_s;
    struct flow_outcome *outcome;
};

/* step.c */
/* Moves the conversation, and says what the reply is; gives the event on. */
enum flow_event turn_move(struct conversation *conversation, enum conversation_state state,
                          enum flow_reply_kind kind, enum flow_event event);
/* Does what a command says, whatever is open. */
enum flow_event turn_obey(const struct turn *turn, enum command command);
/* Takes the language that is meant by a text. */
enum flow_event turn_choose_language(const struct turn *turn, const char *text, size_t length);
/* What is open when no choice of language is: the question, the review, or whether it is the same
 * person. */
enum conversation_state turn_open(const struct turn *turn);

/* take.c */
/* A text that is no command, while a question or the review is open. */
enum flow_event take_text(const struct turn *turn);
/* A button. */
enum flow_event take_button(const struct turn *turn);

/* review.c */
/* Whether a question that was answered is open once more, to be corrected. */
bool review_is_correcting(const struct flow *flow, const struct conversation *conversation);
/* All answers are in: they are read back, or complete. */
enum flow_event review_answers(const struct turn *turn, bool corrected);
/* What is said to the answers that were read back. */
enum flow_event review_take(const struct turn *turn, const char *text, size_t length);
/* All answers are in, and good. */
enum flow_event review_complete(const struct turn *turn);

/* near_ask.c */
/* What is said to the question whether it is the same person. */
enum flow_event near_take(const struct turn *turn, const char *text, size_t length);
/* Whether a text was written behind the question; if not, it is to be asked again. */
bool near_was_read(const struct turn *turn);
/* Forgets that it was asked. */
void near_forget(struct conversation *conversation);

/* texts.c: the answers as they were read, and behind them the names to choose from. */
/* A text, pointing into the conversation: good until a text is put or dropped. */
struct uic_text texts_get(const struct conversation *conversation, size_t index);
size_t texts_length(const struct conversation *conversation);
/* Keeps the first count answers, and asks for the next. */
void texts_drop(struct conversation *conversation, uint8_t count);
void texts_drop_candidates(struct conversation *conversation);
/* Adds the answer to a step, or puts it in the place of the one that it had. False when there is no
 * room; a flow's answers always have it. */
bool texts_put(struct conversation *conversation, uint8_t step, const char *text, size_t length);
bool texts_put_candidate(struct conversation *conversation, const char *text);
/* The name that somebody chooses by its number or by itself; -1 for none. */
int texts_pick(const struct conversation *conversation, const char *text, size_t length);
#endif
