/*
 * A person's text as ASCII capitals and digits: ASCII by a table, everything else one character at
 * a time through its Unicode decomposition.
 */
#include "uic/forms.h"
#include "uic/known.h"
#include "uic/uic.h"

#include <stdint.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* What is kept of an ASCII character; '\0' is nothing. */
static const char ascii_kept[0x80] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'A', ['B'] = 'B', ['C'] = 'C', ['D'] = 'D',
    ['E'] = 'E', ['F'] = 'F', ['G'] = 'G', ['H'] = 'H', ['I'] = 'I', ['J'] = 'J', ['K'] = 'K',
    ['L'] = 'L', ['M'] = 'M', ['N'] = 'N', ['O'] = 'O', ['P'] = 'P', ['Q'] = 'Q', ['R'] = 'R',
    ['S'] = 'S', ['T'] = 'T', ['U'] = 'U', ['V'] = 'V', ['W'] = 'W', ['X'] = 'X', ['Y'] = 'Y',
    ['Z'] = 'Z', ['a'] = 'A', ['b'] = 'B', ['c'] = 'C', ['d'] = 'D', ['e'] = 'E', ['f'] = 'F',
    ['g'] = 'G', ['h'] = 'H', ['i'] = 'I', ['j'] = 'J', ['k'] = 'K', ['l'] = 'L', ['m'] = 'M',
    ['n'] = 'N', ['o'] = 'O', ['p'] = 'P', ['q'] = 'Q', ['r'] = 'R', ['s'] = 'S', ['t'] = 'T',
    ['u'] = 'U', ['v'] = 'V', ['w'] = 'W', ['x'] = 'X', ['y'] = 'Y', ['z'] = 'Z',
};

struct output {
    char *bytes;
    size_t length;
    size_t capacity; /* without the NUL */
};

static int put(struct output *output, char kept)
{
    if (kept == '\0')
        return UIC_OK;
    if (output->length == output->capacity)
        return UIC_NO_ROOM;
    output->bytes[output->length++] = kept;
    return UIC_OK;
}

static int put_pair(struct output *output, char first, char second)
{
    int status = put(output, first);
    return status == UIC_OK ? put(output, second) : status;
}

/* The letters that Unicode does not decompose, and the digits of all scripts. */
static int put_folded(struct output *output, ucs4_t character)
{
    switch (character) {
    case 0x0152: /* Œ */
    case 0x0153: /* œ */
        return put_pair(output, 'O', 'E');
    case 0x00C6: /* Æ */
    case 0x00E6: /* æ */
        return put_pair(output, 'A', 'E');
    case 0x00DF: /* ß */
    case 0x1E9E: /* ẞ */
        return put_pair(output, 'S', 'S');
    case 0x00D8: /* Ø */
    case 0x00F8: /* ø */
    case 0x0186: /* Ɔ */
    case 0x0254: /* ɔ */
        return put(output, 'O');
    case 0x0110: /* Đ */
    case 0x0111: /* đ */
        return put(output, 'D');
    case 0x0131: /* ı */
        return put(output, 'I');
    case 0x0141: /* Ł */
    case 0x0142: /* ł */
        return put(output, 'L');
    case 0x014A: /* Ŋ */
    case 0x014B: /* ŋ */
        return put(output, 'N');
    case 0x0190: /* Ɛ */
    case 0x025B: /* ɛ */
        return put(output, 'E');
    default:
        break;
    }

    int digit = uc_decimal_value(character);
    return digit < 0 ? UIC_OK : put(output, (char)('0' + digit));
}

/* What the character is made of; -1 when it is made of nothing simpler. */
static int decompose(ucs4_t character, bool compatible, ucs4_t *parts)
{
    int tag;

    if (compatible)
        return uc_decomposition(character, &tag, parts);
    return uc_canonical_decomposition(character, parts);
}

/* Recursion ends where Unicode's decompositions do: after four levels in Unicode 14. */
static int put_parts(struct output *output, ucs4_t character, enum uic_normalization normalization,
                     bool compatible)
{
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];

    if (character < 0x80)
        return put(output, ascii_kept[character]);

    int count = decompose(character, compatible, parts);
    if (count < 0)
        return normalization == UIC_EXTENDED ? put_folded(output, character) : UIC_OK;

    for (int i = 0; i < count; i++) {
        int status = put_parts(output, parts[i], normalization, compatible);
        if (status != UIC_OK)
            return status;
    }
    return UIC_OK;
}

/* Only letters and numbers give way to what they are compatible with: a sign such as ™ would add
 * letters to a name of which the reference loses none. */
static int put_character(struct output *output, ucs4_t character,
                         enum uic_normalization normalization)
{
    if (!uic_is_known(character))
        return UIC_OK;

    bool compatible =
        normalization == UIC_EXTENDED &&
        (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N) ||
         uc_is_property_alphabetic(character));

    return put_parts(output, character, normalization, compatible);
}

static int put_text(struct output *output, const uint8_t *text, size_t length,
                    enum uic_normalization normalization)
{
    for (size_t at = 0; at < length;) {
        int status;
        if (text[at] < 0x80) {
            status = put(output, ascii_kept[text[at]]);
            at++;
        } else {
            ucs4_t character;
            int size = u8_mbtoucr(&character, text + at, length - at);
            if (size < 0)
                return UIC_BAD_UTF8;
            status = put_character(output, character, normalization);
            at += (size_t)size;
        }
        if (status != UIC_OK)
            return status;
    }
    return UIC_OK;
}

int uic_normalize(enum uic_normalization normalization, const char *text, size_t length, char *out,
                  size_t capacity, size_t *out_length)
{
    *out_length = 0;
    if (capacity == 0)
        return UIC_NO_ROOM;

    struct output output = {.bytes = out, .capacity = capacity - 1};
    int status = put_text(&output, (const uint8_t *)text, length,
                          normalization == UIC_REFERENCE ? UIC_REFERENCE : UIC_EXTENDED);
    out[output.length] = '\0';
    if (status == UIC_OK && (normalization == UIC_SPELLING || normalization == UIC_SOUND))
        status = form_spelling(out, &output.length, capacity);
    if (status == UIC_OK && normalization == UIC_SOUND)
        form_sound(out, &output.length);
    if (status != UIC_OK)
        output.length = 0;
    out[output.length] = '\0';
    *out_length = output.length;
    return status;
}
