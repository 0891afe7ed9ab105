/* "*2\r\n$3\r\nGET\r\n$1\r\nx\r\n": the number of arguments, and each with its length. */
#include "store/redis/command.h"

#include "store/base/decimal.h"
#include <stdlib.h>
#include <string.h>

/* A mark, a number of at most 20 digits, and the ends of two lines. */
#define FRAME_MAX 25
#define SHA_LENGTH 40
/* EVALSHA, the script's name, the number of keys. */
#define SCRIPT_WORDS 3
#define SCRIPT_MAX (SCRIPT_WORDS * FRAME_MAX + 7 + SHA_LENGTH + 10)

static char *put_number(char *out, char mark, size_t number)
{
    *out++ = mark;
    out += decimal_write((int64_t)number, out);
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

static char *put_word(char *out, const char *word, size_t length)
{
    out = put_number(out, '$', length);
    memcpy(out, word, length);
    out += length;
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

static char *put_script(char *out, const struct redis_words *words)
{
    char keys[FRAME_MAX];
    const size_t length = decimal_write((int64_t)words->key_count, keys);

    out = put_word(out, "EVALSHA", 7);
    out = put_word(out, words->script->sha, SHA_LENGTH);
    return put_word(out, keys, length);
}

static size_t length_of(const struct redis_words *words, int i)
{
    return words->lengths != NULL ? words->lengths[i] : strlen(words->argv[i]);
}

struct redis_command *redis_command_create(const struct redis_words *words)
{
    size_t room = FRAME_MAX + SCRIPT_MAX;

    for (int i = 0; i < words->argc; i++)
        room += FRAME_MAX + length_of(words, i);
    struct redis_command *command = malloc(sizeof *command + room);
    if (command == NULL)
        return NULL;
    *command = (struct redis_command){.script = words->script};
    char *out = put_number(command->bytes, '*',
                           (size_t)words->argc + (words->script != NULL ? SCRIPT_WORDS : 0));
    if (words->script != NULL)
        out = put_script(out, words);
    for (int i = 0; i < words->argc; i++)
        out = put_word(out, words->argv[i], length_of(words, i));
    command->length = (size_t)(out - command->bytes);
    return command;
}
