/*
 * People who write to a flow, and what the server would do with it: conversations are kept and read
 * back for each message, codes are registered in a table. What is found wrong is told with its
 * line, and counted.
 */
#ifndef TESTS_FLOW_PLAY_H
#define TESTS_FLOW_PLAY_H

#include "bench.h"
#include "near_by_key.h"

#define PEOPLE_MAX 4
#define RECORDS_MAX 32
#define SENT_MAX 512

static const char salt[] = "a salt that the cases share";

struct person {
    char number[32];
    unsigned char bytes[CONVERSATION_BYTES_MAX];
    size_t length;
    unsigned char mark[CONVERSATION_MARK_MAX];
    size_t mark_length;
    struct {
        uint64_t id, quoted_id;
        bool quotes_older;
        int64_t sent_s;
        enum flow_message_kind kind;
        char text[512];
    } sent[SENT_MAX];
    size_t sent_count;
};

struct record {
    char answers[FLOW_ANSWERS_MAX + FLOW_STEPS_MAX];
    char number[32];
    char code[UIC_CODE_MAX];
    unsigned char near[FLOW_NEAR_SIZE];
};

struct play {
    const char *path;
    size_t line;
    struct flow *flow;
    int64_t now_s;
    struct person people[PEOPLE_MAX];
    struct person *person;
    struct record records[RECORDS_MAX];
    size_t record_count;
    uint64_t last_id;
    bool times;                 /* the channel tells them */
    int64_t ago;                /* of the next message */
    uint64_t quote;             /* the same */
    bool older;                 /* the same */
    bool hasty;                 /* the next message comes before the last reply can be read */
    char reply[FLOW_REPLY_MAX]; /* with plain spaces */
    bool replied;
    bool closed; /* nothing can be registered */
    struct flow_option options[FLOW_OPTIONS_MAX];
    size_t option_count;
    size_t options_seen; /* of the lines after "+" so far */
    enum flow_event event;
    char exact[FLOW_REPLY_MAX]; /* the lines after "=" so far */
    size_t failures;
};

__attribute__((format(printf, 2, 3))) static inline void complain(struct play *play,
                                                                  const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s:%zu: ", play->path, play->line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    play->failures++;
}

/* U+00A0 and U+202F become spaces. */
static inline void plain_spaces(char *text)
{
    char *out = text;

    for (const char *at = text; *at != '\0';) {
        size_t length = strncmp(at, "\u00a0", 2) == 0 ? 2 : strncmp(at, "\u202f", 3) == 0 ? 3 : 0;

        *out++ = length > 0 ? ' ' : *at;
        at += length > 0 ? length : 1;
    }
    *out = '\0';
}

/* What holds for every reply. */
static inline void check_reply(struct play *play)
{
    if (utf16_units(play->reply) > FLOW_REPLY_CHARACTERS_MAX)
        complain(play, "the reply has %zu characters", utf16_units(play->reply));
    if (strstr(play->reply, "rreur") || strstr(play->reply, "rror") || strstr(play->reply, "❌"))
        complain(play, "the reply speaks of an error: %s", play->reply);
    if (strpbrk(play->reply, "{}") != NULL)
        complain(play, "a brace is left unfilled: %s", play->reply);
    plain_spaces(play->reply);
}

static inline struct record *find_record(struct play *play, const char *answers)
{
    for (size_t i = 0; i < play->record_count; i++)
        if (strcmp(play->records[i].answers, answers) == 0)
            return &play->records[i];
    return NULL;
}

static inline bool is_code_taken(const struct play *play, const char *code)
{
    for (size_t i = 0; i < play->record_count; i++)
        if (strcmp(play->records[i].code, code) == 0)
            return true;
    return false;
}

static inline struct record *register_answers(struct play *play, const struct uic_text *answers,
                                              const unsigned char near[FLOW_NEAR_SIZE],
                                              const char *key)
{
    struct record *record = &play->records[play->record_count];
    unsigned longer = 0;

    snprintf(record->answers, sizeof record->answers, "%s", key);
    snprintf(record->number, sizeof record->number, "%s", play->person->number);
    do
        assert_int_equal(
            UIC_OK, flow_code(play->flow, answers, salt, sizeof salt - 1, longer++, record->code));
    while (is_code_taken(play, record->code));
    memcpy(record->near, near, sizeof record->near);
    play->record_count++;
    return record;
}

/* The newest record of this number that is near the answers, as a store finds it. */
static inline struct record *find_near(struct play *play, const unsigned char near[FLOW_NEAR_SIZE])
{
    for (size_t i = play->record_count; i-- > 0;)
        for (size_t at = 0; at < FLOW_NEAR_SIZE; at += FLOW_NEAR_HASH_SIZE)
            if (strcmp(play->records[i].number, play->person->number) == 0 &&
                (int)(at / FLOW_NEAR_HASH_SIZE) != flow_near_sounds_at(play->flow) &&
                memcmp(play->records[i].near + at, near + at, FLOW_NEAR_HASH_SIZE) == 0)
                return &play->records[i];
    return NULL;
}

/* Whether the person is asked if it is a record's, or has said so: then there is no more to do. */
static inline bool claim_near(struct play *play, struct conversation *conversation,
                              const struct flow_message *message,
                              const unsigned char near[FLOW_NEAR_SIZE])
{
    unsigned char index[FLOW_RECORD_SIZE] = {0};
    struct record *record;

    if (conversation->near == FLOW_NEAR_SAME) {
        memcpy(index, conversation->near_record, sizeof index);
        record = &play->records[index[0]];
        if (strcmp(conversation->code, record->code) != 0)
            complain(play, "the question was about another code");
        flow_finish(conversation, message, record->code, true);
        return true;
    }
    if (!flow_asks_near(play->flow) || conversation->near != FLOW_NEAR_NONE)
        return false;
    record = find_near(play, near);
    if (record == NULL)
        return false;
    index[0] = (unsigned char)(record - play->records);
    flow_ask_near(conversation, message, record->code, index);
    return true;
}

static inline void claim(struct play *play, struct conversation *conversation,
                         const struct flow_message *message)
{
    static const char nothing[FLOW_ANSWERS_MAX];
    static char room[FLOW_NORMALIZED_MAX];
    char key[FLOW_ANSWERS_MAX + FLOW_STEPS_MAX] = "";
    struct uic_text answers[FLOW_STEPS_MAX], read[FLOW_STEPS_MAX];
    unsigned char near[FLOW_NEAR_SIZE] = {0};
    struct record *record;

    assert_int_equal(0, conversation_answers(play->flow, conversation, room, answers));
    conversation_read(conversation, read);
    if (flow_has_near(play->flow))
        assert_int_equal(0, near_by_key(play->flow, answers, read, salt, near));
    for (size_t i = 0; i < flow_step_count(play->flow); i++)
        snprintf(key + strlen(key), sizeof key - strlen(key), "%.*s|", (int)answers[i].length,
                 answers[i].bytes);
    record = find_record(play, key);
    const bool own = record != NULL && strcmp(record->number, play->person->number) == 0;
    if (!own && claim_near(play, conversation, message, near))
        return;
    if (record == NULL) {
        record = register_answers(play, answers, near, key);
        flow_finish(conversation, message, record->code, false);
    } else
        flow_finish(conversation, message, record->code, own);
    if (memcmp(conversation->answers, nothing, sizeof nothing) != 0)
        complain(play, "answers are left behind the code");
}

static inline void load(struct play *play, struct conversation *conversation)
{
    const struct person *person = play->person;

    if (person->length == 0)
        conversation_start(conversation, person->mark, person->mark_length);
    else if (conversation_decode(conversation, person->bytes, person->length) != 0)
        complain(play, "the conversation cannot be read back");
}

static inline void save(struct play *play, const struct conversation *conversation)
{
    play->person->length = conversation_encode(conversation, play->person->bytes);
    play->person->mark_length = conversation_mark(conversation, play->person->mark);
}

static inline void say_unavailable(struct play *play)
{
    struct conversation conversation = {0};

    load(play, &conversation);
    flow_unavailable(play->flow, &conversation, play->reply);
    play->replied = true;
    check_reply(play);
}

static inline void say_too_many(struct play *play)
{
    flow_too_many(play->flow, play->reply);
    play->replied = true;
    check_reply(play);
}

/* The code of a complete conversation, for this message. Returns whether that went. */
static inline bool finish(struct play *play, struct conversation *conversation,
                          const struct flow_message *message)
{
    if (play->closed) {
        say_unavailable(play);
        return false;
    }
    claim(play, conversation, message);
    save(play, conversation);
    return true;
}

/* What the server does with a message; false when the person was asked to try again. */
static inline bool handle(struct play *play, const struct flow_message *sent,
                          struct conversation *conversation)
{
    struct flow_message crossing = *sent;
    const struct flow_message *message = &crossing;
    enum flow_pending pending;
    struct flow_outcome outcome;

    load(play, conversation);
    pending = flow_pending(play->flow, conversation, message, play->now_s);
    if (pending == FLOW_PENDING_OWN)
        return finish(play, conversation, message);
    if (pending == FLOW_PENDING_OTHER && !finish(play, conversation, NULL))
        return false;
    crossing.is_crossed = pending == FLOW_PENDING_OTHER;
    outcome = flow_step(play->flow, conversation, message, play->now_s);
    play->event = outcome.event;
    play->replied = outcome.effect != FLOW_IGNORE;
    if (outcome.effect == FLOW_CLAIM || outcome.effect == FLOW_ANSWER)
        save(play, conversation);
    return outcome.effect != FLOW_CLAIM || finish(play, conversation, message);
}

/* As good as a keyed hash here. */
static inline uint64_t hash(const char *text)
{
    uint64_t number = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        number = (number ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return number & FLOW_ID_MAX;
}

static inline void deliver(struct play *play, size_t index)
{
    const char *text = play->person->sent[index].text;
    const struct flow_message message = {.kind = play->person->sent[index].kind,
                                         .text = text,
                                         .length = strlen(text),
                                         .id = play->person->sent[index].id,
                                         .text_id = hash(text),
                                         .quoted_id = play->person->sent[index].quoted_id,
                                         .quotes_older = play->person->sent[index].quotes_older,
                                         .sent_s = play->person->sent[index].sent_s};
    struct conversation conversation = {0};

    play->replied = true;
    if (!handle(play, &message, &conversation))
        return;
    play->reply[0] = '\0';
    if (play->replied)
        play->replied = flow_reply(play->flow, &conversation, play->reply) > 0;
    if (play->replied && flow_near_shown(&conversation, play->now_s))
        save(play, &conversation);
    play->option_count = flow_options(play->flow, &conversation, play->options);
    check_reply(play);
}

/* Then she reads it first. */
static inline bool is_asked_near(struct play *play)
{
    struct conversation conversation = {0};

    if (play->person->length > 0)
        load(play, &conversation);
    return conversation.state == CONVERSATION_NEAR;
}

static inline void send_message(struct play *play, const char *text, enum flow_message_kind kind)
{
    struct person *person = play->person;
    char *out = person->sent[person->sent_count].text;

    for (; *text != '\0'; text++)
        if (text[0] == '\\' && text[1] == 'n') {
            *out++ = '\n';
            text++;
        } else
            *out++ = *text;
    *out = '\0';
    person->sent[person->sent_count].kind = kind;
    person->sent[person->sent_count].id = ++play->last_id;
    person->sent[person->sent_count].quoted_id = play->quote;
    person->sent[person->sent_count].quotes_older = play->older;
    if (!play->hasty && is_asked_near(play))
        play->now_s += 5;
    play->hasty = false;
    person->sent[person->sent_count].sent_s = play->times ? play->now_s - play->ago : 0;
    play->ago = 0;
    play->quote = 0;
    play->older = false;
    deliver(play, person->sent_count++);
}

#endif
