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
 *     @hasty          the next message comes before the question about the same person can be read
 *     @swipe 2        the next message replies to the person's own, the second one back
 *     @older          the next message replies to one of ours, and not to the newest
 *     @from +243…     another person goes on        @flow NAME     the server has another flow
 *     @redeliver N    the Nth message back again    @expire        the session is lost, ...
 *     @later          ... and more than 24 hours    @year 2031     the year that it is
 *     @down           what is said when nothing can be reached
 *     @too-many       what is said to somebody who writes too much
 *     @closed @open   codes cannot be registered, can be again
 *     @wait 10        seconds pass                  @production    withholds languages that nobody has proofread
 * Non-breaking spaces of a reply are compared as spaces. Registration is a table in memory.
 */
#include "play.h"

#include <dirent.h>

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
    else if (strcmp(word, "@hasty") == 0)
        play->hasty = true;
    else if (strcmp(word, "@swipe") == 0)
        play->quote = id_back(play, rest);
    else if (strcmp(word, "@older") == 0)
        play->older = true;
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
        flow_withhold_unproofread(play->flow);
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
    char offered[sizeof option->id + sizeof option->label + 1];

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
