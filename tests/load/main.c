/* whatsapp-uic-load: plays conversations against a server and says how fast and how right it was.
 */
#include "tests/load/play.h"

#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char usage[] =
    "usage: whatsapp-uic-load [options] URL\n"
    "\n"
    "Plays conversations with the built-in flow against the webhook at URL "
    "(http://host:port/path),\n"
    "and checks every reply. Exit status 1 when anything was wrong.\n"
    "\n"
    "  --salt SALT          of the server's codes (UIC_SALT)\n"
    "  --any-reply          check nothing but the status, for other servers\n"
    "  --connections N      open at a time (64)\n"
    "  --people N           in the middle of a conversation at a time (4 a connection)\n"
    "  --rate N             messages a second, counted from when they were due; 0: one after the\n"
    "                       other on each connection (0)\n"
    "  --seconds S          how long it is measured (10)\n"
    "  --warm N             messages before that (12 a person)\n"
    "  --conversations N    play so many to their end instead\n"
    "  --turns N            everybody goes away after so many messages\n"
    "  --plain              a greeting and five answers: no mistakes, nobody comes back\n"
    "  --phones N           so many, on each of which one person after another is registered, and\n"
    "                       nobody comes back\n"
    "  --run N              other people than with another number (the time)\n"
    "  --token TOKEN        sign as Twilio does, with\n"
    "  --public-url URL     what the server takes for its public URL\n"
    "  --json               print one JSON object\n";

struct options {
    struct play_settings play;
    const char *salt;
    bool any_reply;
    bool json;
    char host[256];
    char authority[300];
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "whatsapp-uic-load: %s: %s\n", what, why);
    return -1;
}

/* http://host:port/path */
static int read_url(struct options *options, const char *url)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *address;
    char port[8] = "80";
    int end = 0, status;

    if (sscanf(url, "http://%255[^:/]%n", options->host, &end) != 1 || end == 0)
        return fail(url, "expected http://host:port/path");
    url += end;
    if (*url == ':' && sscanf(url, ":%7[0-9]%n", port, &end) == 1)
        url += end;
    snprintf(options->authority, sizeof options->authority, "%s:%s", options->host, port);
    options->play.request.host = options->authority;
    options->play.request.path = *url == '/' ? url : "/whatsapp/webhook";
    status = getaddrinfo(options->host, port, &hints, &address);
    if (status != 0)
        return fail(options->host, gai_strerror(status));
    memcpy(&options->play.address, address->ai_addr, address->ai_addrlen);
    options->play.address_length = address->ai_addrlen;
    freeaddrinfo(address);
    return 0;
}

enum {
    SALT = 256,
    ANY_REPLY,
    CONNECTIONS,
    PEOPLE,
    RATE,
    SECONDS,
    WARM,
    CONVERSATIONS,
    TURNS,
    PLAIN,
    PHONES,
    RUN,
    TOKEN,
    PUBLIC_URL,
    JSON,
    HELP
};

static const struct option long_options[] = {
    {"salt", required_argument, NULL, SALT},
    {"any-reply", no_argument, NULL, ANY_REPLY},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"people", required_argument, NULL, PEOPLE},
    {"rate", required_argument, NULL, RATE},
    {"seconds", required_argument, NULL, SECONDS},
    {"warm", required_argument, NULL, WARM},
    {"conversations", required_argument, NULL, CONVERSATIONS},
    {"turns", required_argument, NULL, TURNS},
    {"plain", no_argument, NULL, PLAIN},
    {"phones", required_argument, NULL, PHONES},
    {"run", required_argument, NULL, RUN},
    {"token", required_argument, NULL, TOKEN},
    {"public-url", required_argument, NULL, PUBLIC_URL},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void take_option(struct options *options, int option)
{
    struct play_settings *play = &options->play;

    switch (option) {
    case SALT:
        options->salt = optarg;
        break;
    case ANY_REPLY:
        options->any_reply = true;
        break;
    case CONNECTIONS:
        play->connections = strtoul(optarg, NULL, 10);
        break;
    case PEOPLE:
        play->people = strtoul(optarg, NULL, 10);
        break;
    case RATE:
        play->rate = strtod(optarg, NULL);
        break;
    case SECONDS:
        play->seconds = strtod(optarg, NULL);
        break;
    case WARM:
        play->warm = strtoull(optarg, NULL, 10);
        break;
    case CONVERSATIONS:
        play->conversations = strtoull(optarg, NULL, 10);
        play->seconds = 0;
        break;
    case TURNS:
        play->turns = (unsigned)strtoul(optarg, NULL, 10);
        break;
    case PLAIN:
        play->crowd.plain = true;
        break;
    case PHONES:
        play->crowd.phones = strtoull(optarg, NULL, 10);
        break;
    case RUN:
        play->crowd.run = (uint32_t)strtoul(optarg, NULL, 10);
        break;
    case TOKEN:
        play->request.token = optarg;
        break;
    case PUBLIC_URL:
        play->request.public_url = optarg;
        break;
    default:
        options->json = true;
    }
}

static int read_options(struct options *options, int argc, char *argv[])
{
    struct play_settings *play = &options->play;
    int option;

    *options = (struct options){.salt = getenv("UIC_SALT")};
    play->connections = 64;
    play->warm = UINT64_MAX;
    play->seconds = 10;
    play->crowd.run = (uint32_t)time(NULL);
    play->request.public_url = "";
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == '?' || option == HELP) {
            fputs(usage, option == HELP ? stdout : stderr);
            exit(option == HELP ? 0 : 2);
        }
        take_option(options, option);
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return -1;
    }
    if (play->people == 0)
        play->people = 4 * play->connections;
    /* By then they have gathered. */
    if (play->warm == UINT64_MAX)
        play->warm = play->seconds > 0 ? 12 * play->people : 0;
    /* Far enough back that their first conversation is over. */
    if (!play->crowd.plain && play->crowd.phones == 0)
        play->crowd.apart = 3 * play->people;
    if (play->connections == 0 || play->people < play->connections)
        return fail("--connections", "expected at least 1, and as many people");
    /* Whoever is before has come to the end. */
    if (play->crowd.phones > 0 && play->crowd.phones < 4 * play->people)
        return fail("--phones", "expected at least four for each of --people");
    if (options->salt == NULL && !options->any_reply)
        return fail("--salt", "expected the server's salt, or --any-reply");
    return read_url(options, argv[optind]);
}

static uint64_t errors_of(const struct play_result *result)
{
    return result->statuses + result->lost + result->unanswered + result->late;
}

static double milliseconds(const struct play_result *result, double part)
{
    return (double)histogram_quantile(&result->times, part) / 1000;
}

typedef unsigned long long wide;

static void print_text(const struct play_result *result)
{
    printf("%llu webhooks in %.2f s: %.0f a second\n", (wide)result->messages, result->seconds,
           (double)result->messages / result->seconds);
    printf("%llu conversations: %.0f a second\n", (wide)result->conversations,
           (double)result->conversations / result->seconds);
    printf("ms: p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", milliseconds(result, 0.5),
           milliseconds(result, 0.9), milliseconds(result, 0.99), milliseconds(result, 0.999),
           (double)result->times.max / 1000);
    printf("%llu errors (%llu statuses, %llu connections lost, %llu unanswered, %llu never sent)\n",
           (wide)errors_of(result), (wide)result->statuses, (wide)result->lost,
           (wide)result->unanswered, (wide)result->late);
    printf("%llu wrong replies\n", (wide)result->wrong);
    printf("%.2f us of CPU a webhook for the load itself\n", result->cpu_us);
}

static void print_json(const struct play_result *result)
{
    printf("{\"sent\":%llu,\"seconds\":%.3f,\"webhooks\":%llu,\"webhooks_per_second\":%.1f,"
           "\"conversations\":%llu,\"conversations_per_second\":%.1f,"
           "\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,",
           (wide)result->sent, result->seconds, (wide)result->messages,
           (double)result->messages / result->seconds, (wide)result->conversations,
           (double)result->conversations / result->seconds, milliseconds(result, 0.5),
           milliseconds(result, 0.9), milliseconds(result, 0.99), milliseconds(result, 0.999),
           (double)result->times.max / 1000);
    printf("\"errors\":%llu,\"statuses\":%llu,\"connections_lost\":%llu,\"unanswered\":%llu,"
           "\"never_sent\":%llu,\"wrong_replies\":%llu,\"load_cpu_us\":%.2f}\n",
           (wide)errors_of(result), (wide)result->statuses, (wide)result->lost,
           (wide)result->unanswered, (wide)result->late, (wide)result->wrong, result->cpu_us);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char *argv[])
{
    static struct play_result result;
    struct options options;
    const char *error = NULL;
    int status;

    if (read_options(&options, argc, argv) != 0)
        return 2;
    if (!options.any_reply) {
        options.play.expectation = expectation_create(options.salt, &error);
        if (options.play.expectation == NULL)
            return fail("--salt", error), 2;
    }
    raise_descriptor_limit();
    status = play(&options.play, &result, &error);
    expectation_free(options.play.expectation);
    if (status != 0)
        return fail(argv[optind], error), 1;
    if (options.json)
        print_json(&result);
    else
        print_text(&result);
    return errors_of(&result) + result.wrong > 0;
}
