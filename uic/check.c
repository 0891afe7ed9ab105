/*
 * The check character of ISO 7064, hybrid system MOD 37,36: finds every single wrong character and
 * all but one in 630 swaps of neighbours.
 */
#include "uic/check.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* The character's value, 0 to 35, or -1 when it has none. */
static int value_of(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'A' && character <= 'Z')
        return character - 'A' + 10;
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 10;
    return -1;
}

char check_character(const char *text, size_t length)
{
    int product = 36;

    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            continue;
        int sum = (product + value) % 36;
        product = (sum == 0 ? 36 : sum) * 2 % 37;
    }
    return alphabet[(37 - product) % 36];
}
