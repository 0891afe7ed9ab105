/*
 * A person's way through the questions of a flow: what came of her, what is to be done for it, and
 * what she is told.
 *
 *     conversation_start(&conversation, NULL, 0);
 *     outcome = flow_step(flow, &conversation, &message, now_s);      outcome.effect: what is to do
 *     flow_reply(flow, &conversation, reply);
 *
 * Pure: no I/O and no clock. A struct conversation belongs to its caller.
 */
#ifndef FLOW_CONVERSATION_H
#define FLOW_CONVERSATION_H

#include "flow/flow.h"

/* Twilio's limit for one message, in characters (UTF-16 units, the stricter count). */
#define FLOW_REPLY_CHARACTERS_MAX 1600
/* Bytes that hold any reply, with its NUL. */
#define FLOW_REPLY_MAX (FLOW_REPLY_CHARACTERS_MAX * 4 + 1)
/* Bytes of all answers of one conversation together, as they were read, and of the names to choose
 * from; normalised they are no longer. */
#define FLOW_ANSWERS_MAX 4736
/* Options that a reply can offer at most. */
#define FLOW_OPTIONS_MAX 32
/* Bytes that hold an option's id, with its NUL. */
#define FLOW_OPTION_ID_MAX 68
/* Bytes that hold an option's label, with its NUL. */
#define FLOW_OPTION_LABEL_MAX 256
/* Messages that a conversation remembers at most, to know them when they come again: where the
 * channel tells no times; where it does, those of the last five minutes, and at most so many. */
#define FLOW_RECENT_MAX 256
#define FLOW_RECENT_TIMED_MAX 64
#define FLOW_RECENT_WINDOW_S 300
/* Ids of messages and texts are keyed hashes of six bytes. */
#define FLOW_ID_MAX UINT64_C(0xffffffffffff)

enum conversation_state {
    CONVERSATION_NEW,      /* nobody wrote yet */
    CONVERSATION_ASKING,   /* question `step` is open */
    CONVERSATION_LANGUAGE, /* the choice of language is open; `step` waits behind it */
    CONVERSATION_COMPLETE, /* all answers are in, the code is not told yet */
    CONVERSATION_FINISHED, /* the code was told; no answers */
    CONVERSATION_STOPPED,  /* the person said STOP; no answers */
    CONVERSATION_REVIEW,   /* all answers are in and read back, the person is to confirm them */
    CONVERSATION_NEAR,     /* all answers are in, and near a record's: is it the same person? */
};

/* What the last reply said; with the conversation it makes the same text again. */
enum flow_reply_kind {
    FLOW_REPLY_NONE,
    FLOW_REPLY_WELCOME,        /* welcome, question */
    FLOW_REPLY_EXPIRED,        /* your session expired, question */
    FLOW_REPLY_CHANGED,        /* the questions changed, question */
    FLOW_REPLY_ACCEPTED,       /* what was understood, question */
    FLOW_REPLY_INVALID,        /* what is wrong, the same question */
    FLOW_REPLY_NOT_TEXT,       /* please write, the same question */
    FLOW_REPLY_HELP,           /* help, the same question */
    FLOW_REPLY_RESTARTED,      /* from the start, question */
    FLOW_REPLY_BACK,           /* question */
    FLOW_REPLY_BACK_AT_FIRST,  /* there is none before, question */
    FLOW_REPLY_LANGUAGES,      /* which language? */
    FLOW_REPLY_LANGUAGE_WRONG, /* not one of them; which language? */
    FLOW_REPLY_LANGUAGE_SET,   /* language chosen, question */
    FLOW_REPLY_STOPPED,        /* forgotten */
    FLOW_REPLY_NEW_CODE,       /* the code */
    FLOW_REPLY_EXISTING_CODE,  /* the code that this number asked for before */
    FLOW_REPLY_QUESTION,       /* what is open, without more */
    FLOW_REPLY_REPEATED,       /* the same text again, the question that is open now */
    FLOW_REPLY_CROSSED,        /* two messages crossed, the question before */
    FLOW_REPLY_VOICE,          /* I cannot listen, the same question */
    FLOW_REPLY_EDITED,         /* I do not see corrections, the same question */
    FLOW_REPLY_ANSWERED,       /* that question was answered, the same question */
    FLOW_REPLY_QUOTED,         /* that was an older message, the same question */
    FLOW_REPLY_NO_ANSWER,      /* what to do who does not know, the same question */
    FLOW_REPLY_REVIEW_AGAIN,   /* yes or a number, please; the review */
    FLOW_REPLY_CORRECT,        /* which answer is wrong? */
    FLOW_REPLY_CORRECTING,     /* let us correct it, its question */
};
#define FLOW_REPLY_LAST FLOW_REPLY_CORRECTING

/* Whether the person was asked if these answers and those of a record are the same person's, and
 * what she said. */
enum flow_near_said {
    FLOW_NEAR_NONE,
    FLOW_NEAR_ASKED,
    FLOW_NEAR_SAME,
    FLOW_NEAR_DIFFERENT,
};

/* What is sent in the place of the last reply. */
enum flow_hush {
    FLOW_HUSH_NONE,   /* the reply itself */
    FLOW_HUSH_HELP,   /* "ask for help": so many messages brought nothing */
    FLOW_HUSH_SILENT, /* nothing at all */
};

/* The messages that were handled, newest first. */
struct recent {
    uint16_t count;
    /* What was sent until then, by the provider's clock, and is not here any more: it was handled,
     * or comes too late. 0 while no times are told. */
    uint32_t horizon_s;
    uint64_t ids[FLOW_RECENT_MAX];
    uint32_t sent_s[FLOW_RECENT_MAX]; /* while times are told */
};

/*
 * A person's place in the flow. Plain data: copy it freely, wipe it with conversation_wipe when
 * done. Made by conversation_start or conversation_decode, changed by flow_step and flow_finish.
 */
struct conversation {
    enum conversation_state state;
    enum flow_reply_kind reply;
    enum flow_hush hush;
    bool expired;         /* started behind the mark of an expired session */
    bool moved_by_answer; /* moved_s is of the last answer that is in */
    uint8_t language;     /* index into the flow's languages */
    uint8_t step; /* index of the open question; behind the last one while in REVIEW, NEAR */
    uint8_t answer_count;    /* answers that are in: steps 0 to answer_count - 1 */
    uint8_t candidate_count; /* behind the answers, while it is asked which of them */
    uint16_t doubt;       /* a bit for each answer that was in doubt, also once it is corrected */
    uint8_t reached;      /* questions that were open so far, while one is open or COMPLETE */
    uint8_t fruitless;    /* messages in a row that brought nothing, as far as that matters */
    uint32_t fruitless_s; /* when the first of these came, or the silence began */
    uint32_t moved_s;     /* when the message was sent that opened the question; 0: not told */
    uint32_t text_s;      /* when text_id came */
    uint32_t saved_min;   /* minutes since 1970, UTC, for statistics; the caller's own */
    uint64_t text_id;     /* of the last free text that was taken; 0: none */
    uint64_t fingerprint; /* of the flow that the answers belong to */
    uint16_t answer_end[FLOW_STEPS_MAX + FLOW_READING_CANDIDATES_MAX];
    char code[UIC_CODE_MAX]; /* FINISHED: what was told; near: the record's */
    int64_t completed_s;     /* COMPLETE: when the last answer came */
    enum flow_near_said near;
    bool near_late;        /* somebody's words came late to the question, so it was asked again */
    uint32_t near_shown_s; /* when the question reached the person, by our clock; 0: not yet */
    unsigned char near_record[FLOW_RECORD_SIZE]; /* which record it is, for the caller */
    /* Large, and cleared no further than they are used: what is behind the last one means
     * nothing. */
    struct recent recent;
    /* End to end: texts as they were read, all else as it goes into the code. Behind them the names
     * to choose from. */
    char answers[FLOW_ANSWERS_MAX];
};

/* A conversation with somebody who has no session; mark is what conversation_mark gave within the
 * last 24 hours, or length 0. */
void conversation_start(struct conversation *conversation, const unsigned char *mark,
                        size_t mark_length);

/* Leaves nothing of the person in it. */
void conversation_wipe(struct conversation *conversation);

/* Bytes for the session store: at most CONVERSATION_BYTES_MAX, compact. Returns their number. */
#define CONVERSATION_BYTES_MAX (FLOW_ANSWERS_MAX + 6 * FLOW_RECENT_MAX + 256)
size_t conversation_encode(const struct conversation *conversation,
                           unsigned char bytes[CONVERSATION_BYTES_MAX]);
/* Returns 0, or -1 when the bytes are none of ours; then the conversation is a fresh one. */
int conversation_decode(struct conversation *conversation, const unsigned char *bytes,
                        size_t length);

/* What is remembered for 24 hours behind a session that expired: whether a conversation was open,
 * in which language, or was stopped, and when the newest message was sent; no answer. Returns its
 * length, 0 when nothing is to be remembered. */
#define CONVERSATION_MARK_MAX 8
size_t conversation_mark(const struct conversation *conversation,
                         unsigned char mark[CONVERSATION_MARK_MAX]);

/* What came. What is neither TEXT nor OPTION may have a text too, which is no answer. */
enum flow_message_kind {
    FLOW_MESSAGE_TEXT,       /* words of the person; the caption of a picture too */
    FLOW_MESSAGE_OPTION,     /* a button or row was pressed: text is the id of an option that some
                                reply offered */
    FLOW_MESSAGE_BUTTON,     /* a button under somebody else's template: only a command counts */
    FLOW_MESSAGE_MEDIA,      /* no words: a picture, a sticker, a document, a place, a contact */
    FLOW_MESSAGE_VOICE,      /* a voice note */
    FLOW_MESSAGE_EDIT,       /* an earlier message, corrected */
    FLOW_MESSAGE_UNREADABLE, /* something that the channel cannot hand on */
    FLOW_MESSAGE_OPT_OUT,    /* the provider took it for a STOP, and answered it itself */
    FLOW_MESSAGE_OPT_IN,     /* the same with START */
    FLOW_MESSAGE_OPT_HELP,   /* the same with HELP */
};

/* How soon the same text again is rather the same message twice. */
#define FLOW_AGAIN_S 30
/* So many messages within so many seconds that bring nothing are a machine's; then silence. */
#define FLOW_FRUITLESS_MAX 20
#define FLOW_FRUITLESS_S 600

struct flow_message {
    enum flow_message_kind kind;
    const char *text; /* UTF-8, checked by the caller */
    size_t length;
    uint64_t id;        /* keyed hash of the provider's message id, 0 when it has none */
    uint64_t text_id;   /* keyed hash of the text, 0: not to be compared */
    uint64_t quoted_id; /* as id, of the message that it replies to by a swipe; 0: none */
    bool quotes_older;  /* that message is not our newest, as far as is known */
    bool is_crossed;    /* it was on its way before what is open was asked */
    int64_t sent_s; /* when it was sent by the provider's clock, seconds since 1970; 0: not told */
};

enum flow_effect {
    FLOW_ANSWER, /* save the conversation, send flow_reply */
    FLOW_CLAIM,  /* all answers are in: save, get the code registered, flow_finish, save, send */
    FLOW_REPEAT, /* the last message again: save nothing, send flow_reply */
    FLOW_IGNORE, /* an older message again: save nothing, send nothing */
};

/* What happened, for log and statistics; never what was said. */
enum flow_event {
    FLOW_EVENT_STARTED,
    FLOW_EVENT_EXPIRED,
    FLOW_EVENT_CHANGED,
    FLOW_EVENT_ACCEPTED,
    FLOW_EVENT_INVALID,
    FLOW_EVENT_NOT_TEXT,
    FLOW_EVENT_HELP,
    FLOW_EVENT_RESTARTED,
    FLOW_EVENT_BACK,
    FLOW_EVENT_LANGUAGE,
    FLOW_EVENT_STOPPED,
    FLOW_EVENT_REDELIVERED,
    FLOW_EVENT_LATE,     /* older than what is remembered */
    FLOW_EVENT_IGNORED,  /* a gesture that begins nothing */
    FLOW_EVENT_QUESTION, /* nothing to be understood: the question again */
    FLOW_EVENT_REPEATED, /* the same text again */
    FLOW_EVENT_CROSSED,  /* sent before what was handled already */
    FLOW_EVENT_EDITED,
    FLOW_EVENT_ANSWERED, /* a button of another question */
    FLOW_EVENT_QUOTED,
    FLOW_EVENT_WHICH,      /* several names: which? */
    FLOW_EVENT_NO_ANSWER,  /* "I do not know" */
    FLOW_EVENT_CORRECTING, /* an answer that was read back is wrong */
};
/* "started", "accepted", …; static. */
const char *flow_event_name(enum flow_event event);

struct flow_outcome {
    enum flow_effect effect;
    enum flow_event event;
    uint8_t step; /* the question that was open when the message came; the last one when all answers
                     are in */
    bool fruitless; /* so many messages brought nothing that this one is not answered as usual */
    /* Of the question `step`, to be counted: */
    bool doubtful;    /* an answer was taken that is in doubt: out of a sentence, or unusual */
    bool asked_again; /* not understood: the question comes again */
    bool not_known;   /* the message says that there is no answer: it comes again, with help */
    bool asked_which; /* several names: it is asked which of them */
    bool corrected;   /* its answer was replaced by another when all were read back */
    /* Of the conversation: */
    bool read_back; /* all answers are in, and were read back for the first time since */
};

/*
 * One message of the person: changes the conversation and says what is to be done. The same
 * arguments give the same result. now_s: seconds since 1970, UTC.
 */
struct flow_outcome flow_step(const struct flow *flow, struct conversation *conversation,
                              const struct flow_message *message, int64_t now_s);

/* How long a COMPLETE conversation belongs to the message that completed it, in seconds. */
#define FLOW_PENDING_S 5

enum flow_pending {
    FLOW_PENDING_NONE,  /* nothing is pending: flow_step */
    FLOW_PENDING_OWN,   /* get the code registered and tell it to this message */
    FLOW_PENDING_OTHER, /* get it registered, save, load again: then this message's turn comes */
};

/*
 * What a message finds when the answers were saved as complete but the code was not told yet:
 * another message of the same person is being handled just now, or whoever handled it died or
 * found the records away. The first is OTHER. The second is OWN: the completing message again, or
 * a later one, which gets the code that the person still waits for.
 */
enum flow_pending flow_pending(const struct flow *flow, const struct conversation *conversation,
                               const struct flow_message *message, int64_t now_s);

/* The id of the message that completed a COMPLETE conversation. */
uint64_t conversation_event(const struct conversation *conversation);

/* The normalised answers of a COMPLETE conversation, in room, which is to be wiped. Returns 0, or
 * -1 for answers that the flow did not take. */
int conversation_answers(const struct flow *flow, const struct conversation *conversation,
                         char room[FLOW_NORMALIZED_MAX], struct uic_text answers[FLOW_STEPS_MAX]);

/* The same as they were read; they stay the conversation's. */
void conversation_read(const struct conversation *conversation,
                       struct uic_text read[FLOW_STEPS_MAX]);

/* The answers of a COMPLETE conversation are near those of a record that the person asked for, and
 * nothing is registered yet: she is asked by this message's reply (NULL: by none yet) whether they
 * are the same person's. Her answer completes the conversation again, with `near` saying what it
 * was. code and record are the record's, for then. */
void flow_ask_near(struct conversation *conversation, const struct flow_message *message,
                   const char *code, const unsigned char record[FLOW_RECORD_SIZE]);

/* The reply was handed on to the person. Whether that is to be saved: it was the first to ask her
 * if it is the same person, and what is written before it is no answer. */
bool flow_near_shown(struct conversation *conversation, int64_t now_s);

/* The code of a COMPLETE conversation is registered, and told to this message (NULL: to none yet).
 * existing: this number asked for it before. Wipes the answers. */
void flow_finish(struct conversation *conversation, const struct flow_message *message,
                 const char *code, bool existing);

/* The language that a conversation is answered in: its own, or the first where the flow does not
 * offer that. */
size_t flow_spoken_language(const struct flow *flow, const struct conversation *conversation);

/* Writes the conversation's last reply, NUL-terminated UTF-8. Returns its length in bytes, 0 when
 * nothing is to be said. */
size_t flow_reply(const struct flow *flow, const struct conversation *conversation,
                  char reply[FLOW_REPLY_MAX]);

/* What a person can answer to the last reply by a button or a row of a list. */
struct flow_option {
    char id[FLOW_OPTION_ID_MAX];       /* for flow_message: names its question, so that a button
                                          which is pressed days later answers no other */
    char label[FLOW_OPTION_LABEL_MAX]; /* in the conversation's language */
};

/* The options that the last reply offers: those of a choice question, the languages, the names to
 * choose from, yes and no to the review, or its answers, or to whether it is the same person.
 * Returns how many; 0 when it asks for words, or for nothing. */
size_t flow_options(const struct flow *flow, const struct conversation *conversation,
                    struct flow_option options[FLOW_OPTIONS_MAX]);

/* The polite "try again in a minute", in the conversation's language (NULL: the first). */
size_t flow_unavailable(const struct flow *flow, const struct conversation *conversation,
                        char reply[FLOW_REPLY_MAX]);

/* "You have written very much, please wait a little", in the first language: for somebody whose
 * conversation is not looked at. */
size_t flow_too_many(const struct flow *flow, char reply[FLOW_REPLY_MAX]);

#endif
