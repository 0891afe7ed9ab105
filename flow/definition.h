/*
 * What a flow file is in memory, shared by the files of flow/ and by nobody else. All texts point
 * into the parsed JSON, which lives as long as the flow; after flow_load nothing changes.
 */
#ifndef FLOW_DEFINITION_H
#define FLOW_DEFINITION_H

#include "flow/conversation.h"
#include <jansson.h>

#define FLOW_CHOICES_MAX FLOW_OPTIONS_MAX
#define FLOW_PIECES_MAX 32
#define FLOW_STOP_WORDS_MAX 16

/* What may stand between braces in a message; reply.c puts the values in. */
enum placeholder {
    PLACEHOLDER_CODE = 1 << 0,      /* {code}: the person's code */
    PLACEHOLDER_NUMBER = 1 << 1,    /* {number}: which question is open, from 1 */
    PLACEHOLDER_TOTAL = 1 << 2,     /* {total}: how many questions there are */
    PLACEHOLDER_MIN = 1 << 3,       /* {min} of the open question's answer */
    PLACEHOLDER_MAX = 1 << 4,       /* {max} of the open question's answer */
    PLACEHOLDER_LANGUAGES = 1 << 5, /* {languages}: the numbered list */
    PLACEHOLDER_ANSWER = 1 << 6,    /* {answer}: the one that was just given */
    PLACEHOLDER_ANSWERS = 1 << 7,   /* {answers}: all of them, numbered */
    PLACEHOLDER_NAMES = 1 << 8,     /* {names}: those to choose from, numbered */
};
#define PLACEHOLDER_COUNT 9
#define PLACEHOLDERS_POSITION (PLACEHOLDER_NUMBER | PLACEHOLDER_TOTAL)
#define PLACEHOLDERS_RANGE (PLACEHOLDER_MIN | PLACEHOLDER_MAX)
/* These make sense only where they cannot be missing, on a line of their own. */
#define PLACEHOLDERS_LINES \
    (PLACEHOLDER_CODE | PLACEHOLDER_LANGUAGES | PLACEHOLDER_ANSWERS | PLACEHOLDER_NAMES)

/* The texts of a language in the flow file: name, key, placeholders that it may have. */
#define MESSAGE_LIST(X)                                                                        \
    X(LANGUAGE_NAME, "language_name", 0)         /* its own name, in the list of languages */  \
    X(HEADING, "heading", PLACEHOLDERS_POSITION) /* the line above every question */           \
    X(WELCOME, "welcome", PLACEHOLDERS_POSITION) /* these stand above the open question: */    \
    X(EXPIRED, "expired", PLACEHOLDERS_POSITION)                                               \
    X(CHANGED, "changed", PLACEHOLDERS_POSITION)                                               \
    X(ACCEPTED, "accepted", PLACEHOLDERS_POSITION | PLACEHOLDER_ANSWER)                        \
    X(NOT_TEXT, "not_text", PLACEHOLDERS_POSITION)                                             \
    X(HELP, "help", PLACEHOLDERS_POSITION)                                                     \
    X(RESTARTED, "restarted", PLACEHOLDERS_POSITION)                                           \
    X(BACK, "back", PLACEHOLDERS_POSITION)                                                     \
    X(BACK_AT_FIRST, "back_at_first", PLACEHOLDERS_POSITION)                                   \
    X(LANGUAGE_SET, "language_set", PLACEHOLDERS_POSITION)                                     \
    X(CHOOSE_LANGUAGE, "choose_language", PLACEHOLDER_LANGUAGES) /* the question of LANGUE */  \
    X(LANGUAGE_WRONG, "language_wrong", 0)                       /* stands above it */         \
    X(STOPPED, "stopped", 0)                                     /* these stand alone: */      \
    X(NEW_CODE, "new_code", PLACEHOLDER_CODE)                                                  \
    X(EXISTING_CODE, "existing_code", PLACEHOLDER_CODE)                                        \
    X(UNAVAILABLE, "unavailable", 0)                                                           \
    X(TOO_MANY, "too_many", 0)                     /* from here on all may be left out; */     \
    X(ASK_FOR_HELP, "ask_for_help", 0)             /* load_messages.c says what is instead */  \
    X(REPEATED, "repeated", PLACEHOLDERS_POSITION) /* above the open question: */              \
    X(CROSSED, "crossed", PLACEHOLDERS_POSITION)                                               \
    X(VOICE, "voice", PLACEHOLDERS_POSITION)                                                   \
    X(EDITED, "edited", PLACEHOLDERS_POSITION)                                                 \
    X(ANSWERED, "answered", PLACEHOLDERS_POSITION)                                             \
    X(QUOTED, "quoted", PLACEHOLDERS_POSITION)                                                 \
    X(CORRECTING, "correcting", PLACEHOLDERS_POSITION)                                         \
    X(REVIEW_AGAIN, "review_again", 0)       /* above the review */                            \
    X(REVIEW, "review", PLACEHOLDER_ANSWERS) /* these ask themselves: */                       \
    X(CORRECT, "correct", PLACEHOLDER_ANSWERS)                                                 \
    X(YES, "yes", 0) /* on buttons */                                                          \
    X(NO, "no", 0)                                                                             \
    X(NEAR, "near", 0)           /* asks itself: is it the same person? */                     \
    X(NEAR_SAME, "near_same", 0) /* on its buttons */                                          \
    X(NEAR_DIFFERENT, "near_different", 0)                                                     \
    X(WHICH, "which", PLACEHOLDER_NAMES) /* for steps without their own */                     \
    X(NO_ANSWER, "no_answer", 0)                                                               \
    X(INVALID_YEAR, "invalid_year", PLACEHOLDERS_RANGE) /* for steps without own `invalid`: */ \
    X(INVALID_INTEGER, "invalid_integer", PLACEHOLDERS_RANGE)                                  \
    X(INVALID_TEXT, "invalid_text", PLACEHOLDER_MAX)                                           \
    X(INVALID_LETTERS, "invalid_letters", PLACEHOLDERS_RANGE)                                  \
    X(INVALID_DIGITS, "invalid_digits", PLACEHOLDERS_RANGE)                                    \
    X(INVALID_CHOICE, "invalid_choice", 0)

enum message_name {
#define X(name, key, placeholders) MESSAGE_##name,
    MESSAGE_LIST(X)
#undef X
        MESSAGE_COUNT
};

/* In the order of the INVALID_ messages. */
enum answer_type {
    ANSWER_YEAR,
    ANSWER_INTEGER,
    ANSWER_TEXT,
    ANSWER_LETTERS,
    ANSWER_DIGITS,
    ANSWER_CHOICE,
    ANSWER_TYPE_COUNT
};

/* What a careful step of type text holds. */
enum holds { HOLDS_NOTHING, HOLDS_PLACE, HOLDS_NAME };

/* Other names that a choice of a careful step can have. */
#define CHOICE_ALSO_MAX 16

struct choice {
    const char *value; /* ASCII letters and digits */
    const char *labels[FLOW_LANGUAGES_MAX];
    size_t also_count;
    const char *also[CHOICE_ALSO_MAX];
};

struct question {
    const char *key;
    const char *texts[FLOW_LANGUAGES_MAX];
    const char *invalid[FLOW_LANGUAGES_MAX];   /* the step's own, else the message of its type */
    const char *no_answer[FLOW_LANGUAGES_MAX]; /* the step's own, else the message, else invalid */
    const char *which[FLOW_LANGUAGES_MAX];     /* the step's own, else the message */
    enum answer_type type;
    int64_t min; /* years and integers: values; letters, digits, text: characters */
    int64_t max;
    bool max_is_now; /* max is the current year */
    bool careful;    /* answers are read out of sentences */
    enum uic_normalization
        normalization; /* of what goes into the code; a form only of text, letters */
    enum holds holds;
    size_t choice_count;
    struct choice choices[FLOW_CHOICES_MAX];
};

/* Whether somebody who speaks a language has read its texts over. */
enum proofreading {
    PROOFREADING_NONE, /* the language is not in "reviewed_by": its texts are the programme's own */
    PROOFREADING_OPEN, /* nobody yet */
    PROOFREADING_DONE,
};

struct flow {
    json_t *json;
    const char *id;
    unsigned version;
    uint64_t fingerprint;
    uint64_t file_fingerprint;
    enum uic_normalization normalization; /* of steps without their own */
    enum flow_confirm confirm;
    bool asks_near;
    int near_sounds_at;     /* in place of the first name's hash stands that of all sounds; or -1 */
    struct words *words;    /* of careful steps and questions of yes and no, else NULL */
    uint64_t words_version; /* of careful steps and reviews, else 0 */
    size_t language_count;
    const char *languages[FLOW_LANGUAGES_MAX];
    enum proofreading proofreadings[FLOW_LANGUAGES_MAX];
    bool withholds_unproofread; /* languages that nobody has proofread are not spoken */
    const char *messages[FLOW_LANGUAGES_MAX][MESSAGE_COUNT];
    size_t stop_word_count;
    const char *stop_words[FLOW_STOP_WORDS_MAX]; /* besides the built-in ones */
    size_t step_count;
    struct question questions[FLOW_STEPS_MAX];
    struct uic_format format;
    struct uic_piece pieces[FLOW_PIECES_MAX];
};

/* choose.c */
struct tokens;
/* A message as an answer to a careful step of choices. */
void choose_read(const struct flow *flow, const struct question *question,
                 const struct tokens *tokens, const char *text, size_t length,
                 struct flow_reading *reading);
/* The choices to answer with, as bits: all; or, while it is asked which of some, these. */
uint32_t choose_listed(const struct flow *flow, const struct question *question,
                       const struct conversation *conversation);

/* answer.c */
/* Bytes that hold any normalised answer, with its NUL: two letters a character, two in the form for
 * each of these. */
#define ANSWER_ROOM_MAX (4 * FLOW_ANSWER_CHARACTERS_MAX + 1)
/* Bytes that all answers of a flow may have as they were read. */
#define ANSWERS_ROOM_MAX 4096
/* The part of a text between its outer spaces; other white space than ASCII's is left, and
 * counts. */
void text_strip(const char **text, size_t *length);
/* Bytes that a checked answer can have as it is kept. */
size_t question_kept(const struct question *question);
/* Bytes that a checked, normalised answer can have before its form. */
size_t question_room(const struct question *question);
/* The normalisation in which an answer is checked, and told back: a form comes behind it. */
enum uic_normalization question_checked(const struct question *question);
/* Whether the type's answers are numbers, which are padded on the left. */
bool question_is_numeric(const struct question *question);
/* The year of a time, UTC. */
int64_t year_of(int64_t now_s);

/* pick.c */
/* Index of the choice that somebody means by its number, value or label; -1 for none. */
int pick_choice(const struct flow *flow, const struct question *question, const char *text,
                size_t length);
/* Index of the language meant by its number, code or own name; -1 for none. */
int pick_language(const struct flow *flow, const char *text, size_t length);
/* Index of the name that somebody means by its number or by itself; -1 for none. */
int pick_name(const struct uic_text *names, size_t count, const char *text, size_t length);

/* language.c */
/* Languages that people can choose from. */
size_t language_offered_count(const struct flow *flow);

/* option.c */
/* What a pressed button answers to the open question: where that stands in its id, and how long it
 * is; NULL for a button of another question. */
const char *option_answer(const struct flow *flow, const struct conversation *conversation,
                          const char *id, size_t length, size_t *answer_length);

/* command.c */
enum command {
    COMMAND_NONE,
    COMMAND_RESTART,
    COMMAND_HELP,
    COMMAND_BACK,
    COMMAND_LANGUAGE,
    COMMAND_STOP,
};
/* Longer messages are no command; room for the word, spaces, stars and an exclamation mark. */
#define COMMAND_BYTES_MAX 64
enum command command_find(const struct flow *flow, const char *text, size_t length);
/* What a button under somebody else's template asks for. */
enum command command_of_button(const struct flow *flow, const char *text, size_t length);
/* Whether a stop word of a flow file can be one: a single word, and no other command. */
bool command_may_be(const char *word);

/* How much of a conversation is cleared and wiped whole: all but the arrays at its end, of which
 * only what is in use is wiped. A member that stands behind or between them breaks the build. */
#define CONVERSATION_CLEARED offsetof(struct conversation, recent.ids)
_Static_assert(sizeof(struct conversation) ==
                   CONVERSATION_CLEARED + FLOW_RECENT_MAX * (sizeof(uint64_t) + sizeof(uint32_t)) +
                       FLOW_ANSWERS_MAX,
               "ids, times and answers are all that is not cleared");

/* recent.c */
/* Which of the messages this is, newest first; count when it is none of them. */
size_t recent_find(const struct recent *recent, uint64_t id);
/* Whether a message that is none of them is older than what they know. */
bool recent_is_late(const struct recent *recent, int64_t sent_s);
void recent_add(struct recent *recent, uint64_t id, int64_t sent_s);
/* When the newest was sent; 0 when no times are told. */
uint32_t recent_newest_s(const struct recent *recent);
/* A provider's time as it is kept; 0 for what is none. */
uint32_t recent_time(int64_t sent_s);
/* How many of them were sent after that. */
size_t recent_count_after(const struct recent *recent, int64_t sent_s);
/* Starts with nothing but the time of the newest message, 0: not told. */
void recent_init(struct recent *recent, uint32_t newest_s);

/* order.c */
/* Notes a free text, to know it when it comes again. */
void order_note_text(struct conversation *conversation, const struct flow_message *message,
                     int64_t now_s);
/* The text that was taken last came once more, and was asked about: from now on it is an answer. */
void order_note_again(struct conversation *conversation);
/* Whether this is the free text that was taken last, once more. */
bool order_is_again(const struct conversation *conversation, const struct flow_message *message,
                    int64_t now_s);
/* Notes when the message was sent that brought the conversation where it is. */
void order_note_move(struct conversation *conversation, const struct flow_message *message);
/* Whether a message was sent before that one. */
bool order_is_crossed(const struct conversation *conversation, const struct flow_message *message);
/* How many of the answers that are in may have been meant for another question then. */
uint8_t order_crossed_answers(const struct conversation *conversation,
                              const struct flow_message *message);
/* Whether a message replies, by a swipe, to another than our newest, and so not to our question. */
bool order_is_of_older(const struct conversation *conversation, const struct flow_message *message);

/* decode.c */
/* Whether a stored conversation in this state can have said this last. */
bool conversation_may_say(enum conversation_state state, enum flow_reply_kind kind);

/* mark.c */
/* Whether the person waits for something of us, so that an end without it is to be told. */
bool conversation_is_waiting(const struct conversation *conversation);

/* said.c */
/* UTF-16 units of a person's words that are told back, before an ellipsis. */
#define SAID_UNITS_MAX 60
/* Bytes that hold them, with their NUL. */
#define SAID_MAX (SAID_UNITS_MAX * 3 + 4)
/* What a person said, fit to stand inside of a reply: on one line, without what WhatsApp takes for
 * markup or what turns the direction of writing, and cut when it is long. Returns its length. */
size_t said_write(const char *text, size_t length, char out[SAID_MAX]);
/* An answer that is in: as it was said, or the label of its choice. */
size_t said_answer(const struct flow *flow, const struct conversation *conversation, size_t step,
                   size_t language, char out[SAID_MAX]);

/* fruitless.c */
/* Counts what brought nothing, and sets hush accordingly. Returns whether it did. */
bool fruitless_count(struct conversation *conversation, enum flow_event event, int64_t now_s);

/* reply.c */
/* The name of a placeholder bit's index ("code"). */
const char *placeholder_name(size_t index);
/* The bits of the placeholder at the brace text points to, and its length; 0 when it is none. */
unsigned placeholder_at(const char *text, size_t *length);
/* The message that a reply of this kind begins with, or -1 for NONE, QUESTION, and
 * INVALID and NO_ANSWER, which begin with the step's own. */
int reply_message(enum flow_reply_kind kind);
/* Whether a reply of this kind asks something: what is open (a question, the choice of language,
 * the review, whether it is the same person), or which answer is wrong. */
bool reply_asks(enum flow_reply_kind kind);
/* As flow_reply into capacity bytes, cut when it does not fit; *units counts all of it. */
size_t reply_render(const struct flow *flow, const struct conversation *conversation, char *out,
                    size_t capacity, size_t *units);

#endif
