/* whatsapp-uic chat: the conversation in the terminal, in this process, through the same exchange
 * as a webhook, with sessions and records in memory: nothing is registered anywhere. */
#include "server/commands/command.h"

#include "server/exchange/exchange.h"
#include "server/exchange/quota.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include "server/serving/setup.h"
#include "server/telemetry/counting.h"
#include "server/telemetry/log.h"
#include "store/counters.h"
#include "store/records.h"
#include "store/sessions.h"
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_chat = {
    .name = "chat",
    .arguments = "[--flow FILE]",
    .summary = "have the conversation here in the terminal",
    .details = "  --flow FILE  questions from FILE instead of FLOW_FILE\n",
    .run = run,
};

#define ADDRESS "chat:terminal"
#define IN_MEMORY "sqlite:///:memory:"

struct chat {
    struct event_base *base;
    struct session_store *session_store;
    struct record_store *record_store;
    struct session_link *sessions;
    struct record_link *records;
    struct counting counting;
    struct counters *counters;
    struct counters_link *counters_link;
    struct quota *quota;
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    struct exchange_service *exchanges;
    bool prompt; /* a person types: show where */
    bool answered;
};

static int chat_open_stores(struct chat *chat, const struct setup *setup, char error[ERROR_MAX])
{
    struct session_settings settings;

    setup_session(setup, &settings);
    settings.in_redis = false;
    chat->session_store = session_store_open(&settings, error);
    OPENSSL_cleanse(&settings, sizeof settings);
    if (chat->session_store == NULL)
        return -1;
    chat->record_store = record_store_open(IN_MEMORY, setup->keys.record_asker, NULL, error);
    if (chat->record_store == NULL)
        return -1;
    chat->sessions = session_attach(chat->session_store, NULL, NULL, error);
    if (chat->sessions == NULL)
        return -1;
    chat->records = record_attach(chat->record_store, chat->base, NULL, error);
    return chat->records != NULL ? 0 : -1;
}

/* What a server counts is counted here too, for nobody. */
static int chat_open_counters(struct chat *chat, const struct setup *setup, char error[ERROR_MAX])
{
    struct counters_settings settings;

    counting_init(&chat->counting, setup->flow);
    setup_counters(setup, &chat->counting, &settings);
    settings.in_redis = false;
    chat->counters = counters_open(&settings, error);
    if (chat->counters == NULL)
        return -1;
    chat->counters_link = counters_attach(chat->counters, chat->base, NULL, NULL, error);
    return chat->counters_link != NULL ? 0 : -1;
}

static int chat_open(struct chat *chat, const struct setup *setup, char error[ERROR_MAX])
{
    const struct quota_limits no_limits = {0};

    snprintf(error, ERROR_MAX, "out of memory");
    chat->base = event_base_new();
    if (chat->base == NULL || chat_open_stores(chat, setup, error) != 0 ||
        chat_open_counters(chat, setup, error) != 0)
        return -1;
    chat->hashes = keyed_hashes_create(&setup->keys);
    chat->quota = quota_create(&no_limits);
    chat->numbers = phone_numbers_create(&setup->keys, false);
    if (chat->hashes == NULL || chat->numbers == NULL || chat->quota == NULL)
        return -1;
    chat->exchanges = exchange_service_create(&(struct exchange_settings){
        .base = chat->base,
        .flow = setup->flow,
        .hashes = chat->hashes,
        .numbers = chat->numbers,
        .salt = setup->config.uic_salt,
        .sessions = chat->sessions,
        .records = chat->records,
        .quota = chat->quota,
        .counting = &chat->counting,
        .counters = chat->counters_link,
        .in_flight_max = 1,
        .deadline_ms = EXCHANGE_DEADLINE_MS,
    });
    chat->prompt = isatty(STDIN_FILENO) == 1;
    return chat->exchanges != NULL ? 0 : -1;
}

static void chat_close(struct chat *chat)
{
    if (chat->counters_link != NULL)
        counters_detach(chat->counters_link);
    if (chat->records != NULL)
        record_detach(chat->records);
    if (chat->sessions != NULL)
        session_detach(chat->sessions);
    exchange_service_free(chat->exchanges);
    keyed_hashes_free(chat->hashes);
    phone_numbers_free(chat->numbers);
    quota_free(chat->quota);
    if (chat->counters != NULL)
        counters_close(chat->counters);
    if (chat->record_store != NULL)
        record_store_close(chat->record_store);
    if (chat->session_store != NULL)
        session_store_close(chat->session_store);
    if (chat->base != NULL)
        event_base_free(chat->base);
}

static void on_answer(void *arg, const struct message *message, const struct exchange_reply *reply)
{
    struct chat *chat = arg;

    (void)message;
    printf("\n%.*s\n\n", (int)reply->length, reply->text);
    chat->answered = true;
}

/* Says one line and waits for its answer. */
static void chat_say(struct chat *chat, const char *line, size_t length)
{
    const struct message message = {
        .channel = "chat",
        .address = ADDRESS,
        .address_length = sizeof ADDRESS - 1,
        .id = "",
        .text = line,
        .text_length = length,
    };

    chat->answered = false;
    if (exchange_begin(chat->exchanges, &message, on_answer, chat) != 0)
        return;
    while (!chat->answered && event_base_loop(chat->base, EVLOOP_ONCE) == 0)
        continue;
}

static void chat_run(struct chat *chat)
{
    char *line = NULL;
    size_t size = 0;

    if (chat->prompt)
        printf("Écrivez un message ; Ctrl-D pour finir. (Write a message; Ctrl-D to end.)\n\n");
    for (;;) {
        if (chat->prompt)
            printf("> ");
        fflush(stdout);
        ssize_t length = getline(&line, &size, stdin);
        if (length < 0)
            break;
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            length--;
        if (u8_check((const uint8_t *)line, (size_t)length) != NULL)
            fprintf(stderr, "chat: this line is not UTF-8, say it again\n");
        else
            chat_say(chat, line, (size_t)length);
    }
    if (line != NULL)
        explicit_bzero(line, size);
    free(line);
}

static int run(struct options *options, int argc, char *argv[])
{
    char error[ERROR_MAX];
    struct setup setup;
    struct chat chat = {0};
    int code = COMMAND_FAILED;

    if (command_flow_option(options, argc, argv) != 0)
        return COMMAND_USAGE;
    if (setup_open(&setup, options->env_file, options->flow_file, stderr) == 0) {
        /* What a server logs of each message would stand between the sentences. */
        log_start(LOG_WARNING, false);
        if (chat_open(&chat, &setup, error) == 0) {
            chat_run(&chat);
            code = COMMAND_OK;
        } else {
            fprintf(stderr, "%s: %s\n", argv[0], error);
        }
        chat_close(&chat);
        log_stop();
    }
    setup_close(&setup);
    return code;
}
