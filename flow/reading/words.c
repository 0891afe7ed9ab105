/* The meanings of words: a sorted table of keys, filled from word files of any language. */
#include "flow/reading/reading.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
    size_t count;
    size_t capacity;
    struct word *list;
};

struct words *words_new(void)
{
    return calloc(1, sizeof(struct words));
}

void words_free(struct words *words)
{
    if (words != NULL)
        free(words->list);
    free(words);
}

static struct word *append(struct words *words)
{
    if (words->count == words->capacity) {
        const size_t capacity = words->capacity == 0 ? 1024 : words->capacity * 2;
        struct word *list =
            capacity > WORDS_MAX ? NULL : realloc(words->list, capacity * sizeof *list);

        if (list == NULL)
            return NULL;
        words->list = list;
        words->capacity = capacity;
    }
    words->list[words->count] = (struct word){0};
    return &words->list[words->count++];
}

int words_add(struct words *words, enum meaning meaning, const char *text, int value,
              const char *full)
{
    char key[WORD_KEY_MAX];
    size_t length;

    if (uic_normalize(UIC_EXTENDED, text, strlen(text), key, sizeof key, &length) != UIC_OK ||
        length == 0)
        return -1;
    struct word *word = append(words);
    if (word == NULL)
        return -1;
    memcpy(word->key, key, length);
    word->meanings = meaning;
    if (meaning == MEANING_MONTH)
        word->month = (int16_t)value;
    else
        word->number = (int16_t)value;
    if (full != NULL)
        snprintf(word->full, sizeof word->full, "%s", full);
    return 0;
}

static int compare_keys(const void *one, const void *other)
{
    return strcmp(((const struct word *)one)->key, ((const struct word *)other)->key);
}

/* Of equal keys that differ in what they count, the smaller stands first: in any order of files. */
static int compare(const void *one, const void *other)
{
    const struct word *a = one, *b = other;
    const int order = compare_keys(one, other);

    if (order != 0)
        return order;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return strcmp(a->full, b->full);
}

static void merge(struct word *word, const struct word *other)
{
    word->meanings |= other->meanings;
    if (word->number == 0)
        word->number = other->number;
    if (word->month == 0)
        word->month = other->month;
    if (word->full[0] == '\0')
        memcpy(word->full, other->full, sizeof word->full);
}

void words_sort(struct words *words)
{
    size_t kept = 0;

    if (words->count == 0)
        return;
    qsort(words->list, words->count, sizeof *words->list, compare);
    for (size_t i = 1; i < words->count; i++) {
        if (compare_keys(&words->list[kept], &words->list[i]) == 0)
            merge(&words->list[kept], &words->list[i]);
        else
            words->list[++kept] = words->list[i];
    }
    words->count = kept + 1;
}

int words_version(const struct words *words, uint64_t *version)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; good && i < words->count; i++) {
        const struct word *word = &words->list[i];
        char line[128];
        int length = snprintf(line, sizeof line, "%s %lx %d %d %s\n", word->key,
                              (unsigned long)word->meanings, word->number, word->month, word->full);

        good = EVP_DigestUpdate(context, line, (size_t)length) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    *version = 0;
    for (size_t i = 0; good && i < sizeof *version; i++)
        *version = *version << 8 | digest[i];
    return good ? 0 : -1;
}

const struct word *words_find(const struct words *words, const char *key)
{
    size_t first = 0, end = words != NULL ? words->count : 0;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        const int order = strcmp(key, words->list[middle].key);

        if (order == 0)
            return &words->list[middle];
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return NULL;
}
