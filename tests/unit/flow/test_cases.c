/*
 * Plays the conversations in tests/cases, one file after the other, letter-sorted:
 *     # a comment
 *     > text          the person writes (\n for a new line)       @photo   sends a picture
 *     < text          the reply has this                           ! text   has this not
 *     = text          the reply is these lines, all of them        -        there is no reply
 *     * accepted      the event that is counted
 *     + sex:2 Femme   the reply offers this as a button, and no others than these lines
 *     @press sex:2    a button is pressed           + (alone)      it offers none
 *     @template text  a button of somebody else's template               @voice   a voice note
 *     @edit text      an earlier message, corrected                      @unreadable
 *     @opt-out text   the provider took it for STOP (also @opt-in, @opt-help)
 *     @many 9 text    so many messages, each with its number behind
 *     @times          from now on the channel tells when a message was sent
 *     @ago 7          the next message was sent so many seconds before
 *     @swipe 2        the next message replies to the person's own, the second one back
 *     @from +243…     another person goes on        @flow NAME     the server has another flow
 *     @redeliver N    the Nth message back again    @expire        the session is lost, ...
 *     @later          ... and more than 24 hours    @year 2031     the year that it is
 *     @down           what is said when nothing can be reached
 *     @too-many       what is said to somebody who writes too much
 *     @closed @open   codes cannot be registered, can be again
 *     @wait 10        seconds pass                  @production    withholds unreviewed languages
 * Non-breaking spaces of a reply are compared as spaces. Registration is a table in memory.
 */
#include "bench.h"

#include <dirent.h>

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

__attribute__((format(printf, 2, 3))) static void complain(struct play *play, const char *format,
                                                           ...)
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
static void plain_spaces(char *text)
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
static void check_reply(struct play *play)
{
    if (utf16_units(play->reply) > FLOW_REPLY_CHARACTERS_MAX)
        complain(play, "the reply has %zu characters", utf16_units(play->reply));
    if (strstr(play->reply, "rreur") || strstr(play->reply, "rror") || strstr(play->reply, "❌"))
        complain(play, "the reply speaks of an error: %s", play->reply);
    if (strpbrk(play->reply, "{}") != NULL)
        complain(play, "a placeholder is left: %s", play->reply);
    plain_spaces(play->reply);
}

static struct record *find_record(struct play *play, const char *answers)
{
    for (size_t i = 0; i < play->record_count; i++)
        if (strcmp(play->records[i].answers, answers) == 0)
            return &play->records[i];
    return NULL;
}

static bool is_code_taken(const struct play *play, const char *code)
{
    for (size_t i = 0; i < play->record_count; i++)
        if (strcmp(play->records[i].code, code) == 0)
            return true;
    return false;
}

static struct record *register_answers(struct play *play, const struct uic_text *answers,
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
    play->record_count++;
    return record;
}

static void claim(struct play *play, struct conversation *conversation,
                  const struct flow_message *message)
{
    static const char nothing[FLOW_ANSWERS_MAX];
    char key[FLOW_ANSWERS_MAX + FLOW_STEPS_MAX] = "";
    struct uic_text answers[FLOW_STEPS_MAX];
    struct record *record;

    conversation_answers(conversation, answers);
    for (size_t i = 0; i < flow_step_count(play->flow); i++)
        snprintf(key + strlen(key), sizeof key - strlen(key), "%.*s|", (int)answers[i].length,
                 answers[i].bytes);
    record = find_record(play, key);
    if (record == NULL) {
        record = register_answers(play, answers, key);
        flow_finish(conversation, message, record->code, false);
    } else
        flow_finish(conversation, message, record->code,
                    strcmp(record->number, play->person->number) == 0);
    if (memcmp(conversation->answers, nothing, sizeof nothing) != 0)
        complain(play, "answers are left behind the code");
}

static void load(struct play *play, struct conversation *conversation)
{
    const struct person *person = play->person;

    if (person->length == 0)
        conversation_start(conversation, person->mark, person->mark_length);
    else if (conversation_decode(conversation, person->bytes, person->length) < 0)
        complain(play, "the conversation cannot be read back");
}

static void save(struct play *play, const struct conversation *conversation)
{
    play->person->length = conversation_encode(conversation, play->person->bytes);
    play->person->mark_length = conversation_mark(conversation, play->person->mark);
}

static void say_unavailable(struct play *play)
{
    struct conversation conversation = {0};

    load(play, &conversation);
    flow_unavailable(play->flow, &conversation, play->reply);
    play->replied = true;
    check_reply(play);
}

static void say_too_many(struct play *play)
{
    flow_too_many(play->flow, play->reply);
    play->replied = true;
    check_reply(play);
}

/* The code of a complete conversation, for this message. Returns whether that went. */
static bool finish(struct play *play, struct conversation *conversation,
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
static bool handle(struct play *play, const struct flow_message *message,
                   struct conversation *conversation)
{
    enum flow_pending pending;
    struct flow_outcome outcome;

    load(play, conversation);
    pending = flow_pending(play->flow, conversation, message, play->now_s);
    if (pending == FLOW_PENDING_OWN)
        return finish(play, conversation, message);
    if (pending == FLOW_PENDING_OTHER && !finish(play, conversation, NULL))
        return false;
    outcome = flow_step(play->flow, conversation, message, play->now_s);
    play->event = outcome.event;
    play->replied = outcome.effect != FLOW_IGNORE;
    if (outcome.effect == FLOW_CLAIM || outcome.effect == FLOW_ANSWER)
        save(play, conversation);
    return outcome.effect != FLOW_CLAIM || finish(play, conversation, message);
}

/* As good as a keyed hash here. */
static uint64_t hash(const char *text)
{
    uint64_t number = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        number = (number ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return number & FLOW_ID_MAX;
}

static void deliver(struct play *play, size_t index)
{
    const char *text = play->person->sent[index].text;
    const struct flow_message message = {.kind = play->person->sent[index].kind,
                                         .text = text,
                                         .length = strlen(text),
                                         .id = play->person->sent[index].id,
                                         .text_id = hash(text),
                                         .quoted_id = play->person->sent[index].quoted_id,
                                         .sent_s = play->person->sent[index].sent_s};
    struct conversation conversation = {0};

    play->replied = true;
    if (!handle(play, &message, &conversation))
        return;
    play->reply[0] = '\0';
    if (play->replied)
        play->replied = flow_reply(play->flow, &conversation, play->reply) > 0;
    play->option_count = flow_options(play->flow, &conversation, play->options);
    check_reply(play);
}

static void send_message(struct play *play, const char *text, enum flow_message_kind kind)
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
    person->sent[person->sent_count].sent_s = play->times ? play->now_s - play->ago : 0;
    play->ago = 0;
    play->quote = 0;
    deliver(play, person->sent_count++);
}

static void send_many(struct play *play, const char *rest)
{
    const char *text = rest + strcspn(rest, " ");
    char numbered[512];

    for (int i = 1; i <= atoi(rest); i++) {
        snprintf(numbered, sizeof numbered, "%s %d", *text != '\0' ? text + 1 : text, i);
        send_message(play, numbered, FLOW_MESSAGE_TEXT);
    }
}

static bool send_kind(struct play *play, const char *word, const char *rest)
{
    static const struct {
        const char *word;
        enum flow_message_kind kind;
    } kinds[] = {
        {"@photo", FLOW_MESSAGE_MEDIA},       {"@press", FLOW_MESSAGE_OPTION},
        {"@voice", FLOW_MESSAGE_VOICE},       {"@template", FLOW_MESSAGE_BUTTON},
        {"@edit", FLOW_MESSAGE_EDIT},         {"@unreadable", FLOW_MESSAGE_UNREADABLE},
        {"@opt-out", FLOW_MESSAGE_OPT_OUT},   {"@opt-in", FLOW_MESSAGE_OPT_IN},
        {"@opt-help", FLOW_MESSAGE_OPT_HELP},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(word, kinds[i].word) == 0) {
            send_message(play, rest, kinds[i].kind);
            return true;
        }
    return false;
}

static uint64_t id_back(const struct play *play, const char *which)
{
    const struct person *person = play->person;

    return person->sent[person->sent_count - (size_t)atoi(which)].id;
}

static void redeliver(struct play *play, const char *which)
{
    size_t back = *which == '\0' ? 1 : (size_t)atoi(which);

    if (back < 1 || back > play->person->sent_count)
        complain(play, "there is no such message");
    else
        deliver(play, play->person->sent_count - back);
}

static void turn_to(struct play *play, const char *number)
{
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        play->person = &play->people[i];
        if (strcmp(play->person->number, number) == 0)
            return;
        if (play->person->number[0] == '\0') {
            snprintf(play->person->number, sizeof play->person->number, "%s", number);
            return;
        }
    }
    complain(play, "too many people");
}

static void obey(struct play *play, const char *word, const char *rest)
{
    if (send_kind(play, word, rest))
        return;
    if (strcmp(word, "@many") == 0)
        send_many(play, rest);
    else if (strcmp(word, "@times") == 0)
        play->times = true;
    else if (strcmp(word, "@ago") == 0)
        play->ago = atoi(rest);
    else if (strcmp(word, "@swipe") == 0)
        play->quote = id_back(play, rest);
    else if (strcmp(word, "@redeliver") == 0)
        redeliver(play, rest);
    else if (strcmp(word, "@expire") == 0 || strcmp(word, "@later") == 0) {
        play->person->length = 0;
        if (strcmp(word, "@later") == 0)
            play->person->mark_length = 0;
    } else if (strcmp(word, "@flow") == 0) {
        flow_free(play->flow);
        play->flow = load_flow(rest);
    } else if (strcmp(word, "@production") == 0)
        flow_withhold_unreviewed(play->flow);
    else if (strcmp(word, "@from") == 0)
        turn_to(play, rest);
    else if (strcmp(word, "@year") == 0)
        play->now_s = (atoi(rest) - 1970) * INT64_C(31556952) + 86400 * 30;
    else if (strcmp(word, "@down") == 0)
        say_unavailable(play);
    else if (strcmp(word, "@too-many") == 0)
        say_too_many(play);
    else if (strcmp(word, "@closed") == 0 || strcmp(word, "@open") == 0)
        play->closed = strcmp(word, "@closed") == 0;
    else if (strcmp(word, "@wait") == 0)
        play->now_s += atoi(rest);
    else
        complain(play, "no such order: %s", word);
}

static void check_exact(struct play *play)
{
    if (play->exact[0] != '\0' && strcmp(play->exact, play->reply) != 0)
        complain(play, "the reply before this line is not\n%s\nbut\n%s", play->exact, play->reply);
    play->exact[0] = '\0';
}

static void add_exact_line(struct play *play, const char *text)
{
    size_t length = strlen(play->exact);

    snprintf(play->exact + length, sizeof play->exact - length, "%s%s", length > 0 ? "\n" : "",
             text);
}

/* "sex:2 Femme", or nothing. */
static void check_option(struct play *play, const char *text)
{
    const struct flow_option *option = &play->options[play->options_seen];
    char offered[256];

    if (*text == '\0') {
        if (play->option_count > 0)
            complain(play, "the reply offers %s", option->id);
        return;
    }
    if (play->options_seen++ >= play->option_count) {
        complain(play, "the reply does not offer %s", text);
        return;
    }
    snprintf(offered, sizeof offered, "%s %s", option->id, option->label);
    if (strcmp(offered, text) != 0)
        complain(play, "expected option \"%s\", got \"%s\"", text, offered);
}

static void check_option_count(struct play *play)
{
    if (play->options_seen > 0 && play->options_seen < play->option_count)
        complain(play, "the reply before this line also offers %s",
                 play->options[play->options_seen].id);
    play->options_seen = 0;
}

static void play_line(struct play *play, char *line)
{
    char *rest = line + strcspn(line, " ");

    if (*line != '=')
        check_exact(play);
    if (*line != '+')
        check_option_count(play);
    if (*line == '\0' || *line == '#')
        return;
    if (*rest != '\0')
        *rest++ = '\0';
    if (*line == '@')
        obey(play, line, rest);
    else if (strcmp(line, ">") == 0)
        send_message(play, rest, FLOW_MESSAGE_TEXT);
    else if (strcmp(line, "=") == 0)
        add_exact_line(play, rest);
    else if (strcmp(line, "+") == 0)
        check_option(play, rest);
    else if (strcmp(line, "<") == 0 && strstr(play->reply, rest) == NULL)
        complain(play, "expected \"%s\" in\n%s", rest, play->reply);
    else if (strcmp(line, "!") == 0 && strstr(play->reply, rest) != NULL)
        complain(play, "expected no \"%s\" in\n%s", rest, play->reply);
    else if (strcmp(line, "-") == 0 && play->replied)
        complain(play, "expected no reply, got\n%s", play->reply);
    else if (strcmp(line, "*") == 0 && strcmp(rest, flow_event_name(play->event)) != 0)
        complain(play, "expected event %s, got %s", rest, flow_event_name(play->event));
    else if (strchr("<!-*", *line) == NULL)
        complain(play, "a line begins with > < ! = - * + @ or #");
}

static size_t play_file(const char *path)
{
    struct play *play = calloc(1, sizeof *play);
    size_t length, failures;
    char *text = read_file(path, &length), *at = text;

    assert_non_null(text);
    play->path = path + strlen(SOURCE_DIR) + 1;
    play->now_s = NOW;
    play->flow = load_flow("ciu-rdc");
    turn_to(play, "+243810000001");
    for (char *line; (line = strsep(&at, "\n")) != NULL;) {
        play->line++;
        play_line(play, line);
    }
    check_exact(play);
    failures = play->failures;
    flow_free(play->flow);
    free(play);
    free(text);
    return failures;
}

static int is_case(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".txt") == 0;
}

static void every_conversation_goes_as_written(void **state)
{
    struct dirent **entries;
    int count = scandir(CASES, &entries, is_case, alphasort);
    size_t failures = 0;

    (void)state;
    assert_true(count >= 30);
    for (int i = 0; i < count; i++) {
        char path[512];

        snprintf(path, sizeof path, CASES "/%s", entries[i]->d_name);
        failures += play_file(path);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(0, failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_conversation_goes_as_written)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
