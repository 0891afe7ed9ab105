/* From any text to its forms: what stands in them, how long they are, and which room they need. */
#include "fuzz.h"
#include "uic/uic.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* As in a buffer of exactly this size. Returns the status; out is to be freed. */
static int normalize(enum uic_normalization form, const char *text, size_t size, size_t capacity,
                     char **out, size_t *length)
{
    *out = malloc(capacity);
    memset(*out, '.', capacity);
    return uic_normalize(form, text, size, *out, capacity, length);
}

/* The digits of both are the same, in order. */
static void check_digits(const char *one, const char *other)
{
    for (;;) {
        one += strcspn(one, DIGITS);
        other += strcspn(other, DIGITS);
        PROMISE(*one == *other);
        if (*one == '\0')
            return;
        one++;
        other++;
    }
}

static void check_form(enum uic_normalization form, const char *extended, size_t size)
{
    const size_t room = 2 * size + 1;
    char *whole, *part;
    size_t length, part_length;

    PROMISE(normalize(form, extended, size, room, &whole, &length) == UIC_OK);
    PROMISE(strlen(whole) == length && strspn(whole, LETTERS DIGITS) == length);
    PROMISE((length == 0) == (size == 0) && length <= 2 * size);
    check_digits(extended, whole);
    for (size_t i = length; i < room; i++) /* nothing else of the text is left */
        PROMISE(whole[i] == '\0' || whole[i] == '.');
    for (size_t capacity = 1; capacity < room; capacity += 1 + capacity / 8) {
        const int status = normalize(form, extended, size, capacity, &part, &part_length);

        PROMISE(status == UIC_OK ? strcmp(part, whole) == 0 : part[0] == '\0');
        PROMISE(status == UIC_OK || status == UIC_NO_ROOM);
        PROMISE(status == UIC_NO_ROOM || capacity > length);
        free(part);
    }
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *extended;
    size_t length;

    if (size > 512)
        return 0;
    /* The longest decomposition has 18 letters. */
    if (normalize(UIC_EXTENDED, (const char *)data, size, 18 * size + 1, &extended, &length) ==
        UIC_OK) {
        check_form(UIC_SPELLING, extended, length);
        check_form(UIC_SOUND, extended, length);
    }
    free(extended);
    return 0;
}
