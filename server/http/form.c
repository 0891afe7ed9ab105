/*
 * The form decoder: ours because evhttp's fails on keys without a value, cuts at %00 and does not
 * decode keys.
 */
#include "server/http/form.h"

#include "store/base/hex.h"
#include <string.h>

/* Decodes from[0..length) to *to, which moves on. */
static struct form_text decode(const char *from, size_t length, char **to, bool *broken)
{
    struct form_text text = {*to, 0};
    char *out = *to;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)from[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (unsigned char)(high * 16 + low);
                i += 2;
            } else {
                *broken = true;
            }
        }
        *out++ = (char)c;
    }
    text.length = (size_t)(out - *to);
    *to = out;
    return text;
}

int form_decode(struct form *form, const char *body, size_t length, size_t fields_max,
                char *storage, const char **reason)
{
    const char *at = body;
    const char *end = body + length;

    form->count = 0;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (stop > at) {
            const char *equals = memchr(at, '=', (size_t)(stop - at));
            const char *key_end = equals != NULL ? equals : stop;
            const char *value = equals != NULL ? equals + 1 : stop;

            if (form->count == fields_max) {
                *reason = "the form has too many fields";
                return -1;
            }
            struct form_field *field = &form->fields[form->count];
            field->broken = false;
            field->key = decode(at, (size_t)(key_end - at), &storage, &field->broken);
            field->value = decode(value, (size_t)(stop - value), &storage, &field->broken);
            form->count++;
        }
        at = stop + 1;
    }
    form->rest = storage;
    return 0;
}

bool form_is_broken(const struct form *form)
{
    for (size_t i = 0; i < form->count; i++)
        if (form->fields[i].broken)
            return true;
    return false;
}

struct form_text form_value(const struct form *form, const char *key, size_t *count)
{
    struct form_text found = {NULL, 0};
    size_t length = strlen(key);
    size_t n = 0;

    for (size_t i = 0; i < form->count; i++) {
        const struct form_field *field = &form->fields[i];
        if (field->key.length != length || memcmp(field->key.bytes, key, length) != 0)
            continue;
        if (n++ == 0)
            found = field->value;
    }
    if (count != NULL)
        *count = n;
    return found;
}
