/* The form decoder: ours because evhttp's fails on keys without a value, cuts at %00 and does not
 * decode keys. What the fields mean is left to the channels. */
#include "server/http/form.h"

#include "store/hex.h"
#include <stdint.h>
#include <string.h>
#include <unistr.h>

/* Decodes from[0..length) to *to, which moves on. Returns the text, or one with bytes NULL. */
static struct form_text decode(const char *from, size_t length, char **to, const char **reason)
{
    struct form_text text = {*to, 0};
    char *out = *to;
    unsigned seen = 0; /* the bits of all bytes: ASCII alone is valid UTF-8 */

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)from[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;
            if (high < 0 || low < 0) {
                *reason = "the form holds a percent sign without two hexadecimal digits";
                return (struct form_text){NULL, 0};
            }
            c = (unsigned char)(high * 16 + low);
            i += 2;
        }
        seen |= c;
        *out++ = (char)c;
    }
    text.length = (size_t)(out - *to);
    *to = out;
    if (seen >= 0x80 && u8_check((const uint8_t *)text.bytes, text.length) != NULL) {
        *reason = "the form is not valid UTF-8";
        return (struct form_text){NULL, 0};
    }
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
            struct form_field *field;

            if (form->count == fields_max) {
                *reason = "the form has too many fields";
                return -1;
            }
            field = &form->fields[form->count];
            field->key = decode(at, (size_t)(key_end - at), &storage, reason);
            if (field->key.bytes == NULL)
                return -1;
            field->value = decode(value, (size_t)(stop - value), &storage, reason);
            if (field->value.bytes == NULL)
                return -1;
            form->count++;
        }
        at = stop + 1;
    }
    return 0;
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
