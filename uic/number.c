/* A whole number as people write it, in the digits of any script, as its canonical decimal. */
#include "uic/known.h"
#include "uic/uic.h"

#include <stdint.h>
#include <unictype.h>
#include <unistr.h>

/* What phones and copying leave around a number without anybody seeing it. */
static bool is_blank(ucs4_t character)
{
    return uc_is_property_white_space(character) ||
           uc_is_property_default_ignorable_code_point(character) ||
           uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Cf);
}

/* The value of a decimal digit, or -1. */
static int digit_of(ucs4_t character)
{
    if (character < 0x80)
        return character >= '0' && character <= '9' ? (int)(character - '0') : -1;
    return uic_is_known(character) ? uc_decimal_value(character) : -1;
}

/* Where a reader of the text stands: blanks, digits, blanks again. */
enum state { BEFORE, INSIDE, BEHIND };

static int read_number(const uint8_t *text, size_t length, char *out, size_t capacity,
                       size_t *out_length)
{
    enum state state = BEFORE;
    size_t written = 0;

    for (size_t at = 0; at < length;) {
        ucs4_t character;
        int size = u8_mbtoucr(&character, text + at, length - at);
        if (size < 0)
            return UIC_BAD_UTF8;
        at += (size_t)size;

        int digit = digit_of(character);
        if (digit >= 0 && state != BEHIND) {
            state = INSIDE;
            if (written == 1 && out[0] == '0')
                written = 0;
            if (written == capacity)
                return UIC_NO_ROOM;
            out[written++] = (char)('0' + digit);
        } else if (state == INSIDE && (character == '.' || character == ',')) {
            state = BEHIND;
        } else if (is_blank(character)) {
            state = state == BEFORE ? BEFORE : BEHIND;
        } else {
            return UIC_NOT_NUMBER;
        }
    }
    *out_length = written;
    return state == BEFORE ? UIC_NOT_NUMBER : UIC_OK;
}

int uic_normalize_number(const char *text, size_t length, char *out, size_t capacity,
                         size_t *out_length)
{
    *out_length = 0;
    if (capacity == 0)
        return UIC_NO_ROOM;

    int status = read_number((const uint8_t *)text, length, out, capacity - 1, out_length);
    if (status != UIC_OK)
        *out_length = 0;
    out[*out_length] = '\0';
    return status;
}
