/* By Unicode's categories: what separates or is not seen is left out, every script's digits are
 * digits. */
#include "server/commands/phone_number.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unictype.h>
#include <unistr.h>

/* E.164 has fifteen digits at most; the shortest in use have seven. */
#define DIGITS_MIN 7
#define DIGITS_MAX 15
/* In DR Congo the zero of 081… is left out after +243. */
#define ZERO_TOO_MANY "+2430"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define USER_ID_COUNTRY 2

/* Spaces and tabs, hyphens, marks of direction, and what else is written between digits. */
static bool is_between(ucs4_t character)
{
    return character == '\t' || (character < 128 && strchr(".()/", (int)character) != NULL) ||
           uc_is_general_category(character, UC_SEPARATOR) ||
           uc_is_general_category(character, UC_FORMAT) ||
           uc_is_general_category(character, UC_DASH_PUNCTUATION) || character == 0x2212;
}

static bool is_plus(ucs4_t character)
{
    return character == '+' || character == 0xFF0B;
}

/* Puts what stands for a digit or the sign into number. */
static int number_read(const uint8_t *text, char number[PHONE_NUMBER_MAX])
{
    size_t length = 0;
    ucs4_t character;

    for (int step; (step = u8_strmbtouc(&character, text)) != 0; text += step) {
        if (step < 0)
            return -1;
        const int digit = uc_decimal_value(character);
        if (digit < 0 && !is_plus(character)) {
            if (!is_between(character))
                return -1;
            continue;
        }
        if ((digit < 0) != (length == 0) || length > DIGITS_MAX)
            return -1;
        number[length++] = (char)(digit < 0 ? '+' : '0' + digit);
    }
    number[length] = '\0';
    return length > DIGITS_MIN && number[1] != '0' &&
                   strncmp(number, ZERO_TOO_MANY, sizeof ZERO_TOO_MANY - 1) != 0
               ? 0
               : -1;
}

/* CD.1234, or CD.ENT.1234. */
static bool is_user_id(const char *text, size_t length)
{
    return length < PHONE_NUMBER_MAX && length > USER_ID_COUNTRY + 1 &&
           strspn(text, LETTERS) == USER_ID_COUNTRY && text[USER_ID_COUNTRY] == '.' &&
           strspn(text, LETTERS "abcdefghijklmnopqrstuvwxyz" DIGITS "._-") == length;
}

int phone_number_read(const char *text, char number[PHONE_NUMBER_MAX])
{
    static const char scheme[] = "whatsapp:";

    if (strncasecmp(text, scheme, sizeof scheme - 1) == 0)
        text += sizeof scheme - 1;
    if (is_user_id(text, strlen(text))) {
        strcpy(number, text);
        return 0;
    }
    return number_read((const uint8_t *)text, number);
}
