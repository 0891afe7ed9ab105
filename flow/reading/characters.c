/*
 * What a character is to the reader: of a word, a digit, between two things, or nothing but dress.
 */
#include "flow/reading/reading.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define KEYCAP 0x20e3 /* what makes "1" a key with a 1 */

static const char *const breaks = ",;/()[]|&\\";

/* The characters that stand for an apostrophe, a hyphen or a break of ASCII; '\0' for others. */
static char ascii_of(ucs4_t code)
{
    switch (code) {
    case 0x2018:
    case 0x2019:
    case 0x02bc:
    case 0x02b9:
    case 0x00b4:
    case 0x2032:
        return '\'';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
        return '-';
    case 0x060c:
    case 0xff0c:
        return ',';
    case 0x2044:
    case 0xff0f:
        return '/';
    case 0xff08:
        return '(';
    case 0xff09:
        return ')';
    case 0xff1f:
    case 0x061f:
        return '?';
    default:
        return '\0';
    }
}

static enum character_kind kind_of_ascii(char code)
{
    if ((code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z'))
        return CHARACTER_LETTER;
    if (code >= '0' && code <= '9')
        return CHARACTER_DIGIT;
    if (code == '\'' || code == '`' || code == '-')
        return CHARACTER_JOINER;
    if (code == '.' || code == ':' || (code != '\0' && strchr(breaks, code) != NULL))
        return CHARACTER_BREAK;
    return CHARACTER_SPACE;
}

static enum character_kind kind_of_other(ucs4_t code)
{
    if (uc_decimal_value(code) >= 0)
        return CHARACTER_DIGIT;
    if (code == KEYCAP || uc_is_property_variation_selector(code) ||
        uc_is_general_category_withtable(code, UC_CATEGORY_MASK_Cf))
        return CHARACTER_NOTHING;
    if (uc_is_general_category_withtable(code, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                   UC_CATEGORY_MASK_N) ||
        uc_is_property_alphabetic(code))
        return CHARACTER_LETTER;
    return CHARACTER_SPACE;
}

bool character_next(const char *at, const char *end, struct character *character)
{
    if (at >= end)
        return false;
    if ((unsigned char)*at < 0x80) {
        *character = (struct character){.code = (ucs4_t)*at, .size = 1, .punctuation = *at};
        character->kind = kind_of_ascii(*at);
        character->digit = *at - '0';
        return true;
    }
    int size = u8_mbtoucr(&character->code, (const uint8_t *)at, (size_t)(end - at));
    if (size < 0)
        return false;
    character->size = (uint8_t)size;
    char ascii = ascii_of(character->code);
    character->punctuation = ascii;
    character->kind = ascii != '\0' ? kind_of_ascii(ascii) : kind_of_other(character->code);
    character->digit = character->kind == CHARACTER_DIGIT ? uc_decimal_value(character->code) : 0;
    return true;
}

bool character_peek(const char *at, const char *end, struct character *character)
{
    while (character_next(at, end, character)) {
        if (character->kind != CHARACTER_NOTHING)
            return true;
        at += character->size;
    }
    return false;
}

size_t text_characters(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}
