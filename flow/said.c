/*
 * A person's own words in a reply. They are told to nobody else, but they stand inside of our text,
 * where a star or a line break would change how all of it looks.
 */
#include "flow/turn.h"

#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define UNSEEN                                                                               \
    (UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Co | \
     UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp)

/* What becomes a space: markup, and what is not seen. */
static bool is_spaced(ucs4_t character)
{
    if (character < 0x80)
        return character < 0x20 || character == 0x7f || strchr("*_~`{}", (int)character) != NULL;
    return uc_is_general_category_withtable(character, UNSEEN);
}

size_t said_write(const char *text, size_t length, char out[SAID_MAX])
{
    const uint8_t *at = (const uint8_t *)text, *end = at + length;
    size_t written = 0, units = 0;

    while (at < end) {
        ucs4_t character;
        const int size = u8_mbtouc(&character, at, (size_t)(end - at));
        const bool space = character == ' ' || is_spaced(character);

        units += character >= 0x10000 ? 2 : 1;
        if (units > SAID_UNITS_MAX) {
            written += (size_t)sprintf(out + written, "…");
            break;
        }
        if (!space) {
            memcpy(out + written, at, (size_t)size);
            written += (size_t)size;
        } else if (written > 0 && out[written - 1] != ' ')
            out[written++] = ' ';
        at += size;
    }
    while (written > 0 && out[written - 1] == ' ')
        written--;
    out[written] = '\0';
    return written;
}

static const char *label_of(const struct question *question, struct uic_text value, size_t language)
{
    for (size_t i = 0; i < question->choice_count; i++)
        if (question->choices[i].value != NULL &&
            strlen(question->choices[i].value) == value.length &&
            strncasecmp(question->choices[i].value, value.bytes, value.length) == 0)
            return question->choices[i].labels[language];
    return NULL;
}

size_t said_answer(const struct flow *flow, const struct conversation *conversation, size_t step,
                   size_t language, char out[SAID_MAX])
{
    const struct uic_text answer = texts_get(conversation, step);
    const char *label = /* names to choose from stand behind the answers */
        step < conversation->answer_count && step < flow->step_count
            ? label_of(&flow->questions[step], answer, language)
            : NULL;

    return label != NULL ? said_write(label, strlen(label), out)
                         : said_write(answer.bytes, answer.length, out);
}
