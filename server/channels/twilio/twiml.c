/* Writes TwiML. */
#include "server/channels/twilio/twiml.h"

#include <string.h>

static char *put(char *out, const char *text)
{
    size_t length = strlen(text);

    memcpy(out, text, length);
    return out + length;
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

/* XML 1.0 has no place for control characters but tab, line feed and carriage return, nor for
 * U+FFFE and U+FFFF (EF BF BE, EF BF BF). */
static size_t forbidden_length(const char *text, size_t length)
{
    unsigned char c = (unsigned char)text[0];

    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
        return 1;
    if (c == 0xef && length >= 3 && (unsigned char)text[1] == 0xbf &&
        (unsigned char)text[2] >= 0xbe)
        return 3;
    return 0;
}

size_t twiml_write(char *out, const char *text, size_t length)
{
    char *start = out;

    out = put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if (length == 0) {
        out = put(out, "<Response/>");
        *out = '\0';
        return (size_t)(out - start);
    }
    out = put(out, "<Response><Message><Body>");
    for (size_t i = 0; i < length; i++) {
        const char *entity = entity_of(text[i]);
        size_t skip = entity != NULL ? 0 : forbidden_length(text + i, length - i);

        if (entity != NULL)
            out = put(out, entity);
        else if (skip > 0)
            i += skip - 1;
        else
            *out++ = text[i];
    }
    out = put(out, "</Body></Message></Response>");
    *out = '\0';
    return (size_t)(out - start);
}
