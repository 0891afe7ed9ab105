/*
 * The Python version kept the normalised answers; we keep a keyed hash of them, made by the same
 * function as a claim's. Its columns were named after other questions than were asked: which
 * question each was is told here.
 */
#include "server/commands/python_record.h"

#include "server/exchange/message.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

static const struct {
    const char *steps[RECORD_ANSWERS];
    const char *example; /* the flow that always fits */
} forms[] = {
    [RECORD_FORM_INITIAL] = {{"birth_year", "mother_birthplace", "first_name", "birth_day",
                              "family_name"},
                             "reference-initial.json"},
    [RECORD_FORM_LLLFFFYCG] = {{"family_name", "first_name", "birth_year", "birth_town", "gender"},
                               "lllfffycg.json"},
};

int python_record_check_flow(enum record_form form, const struct flow *flow, char error[ERROR_MAX])
{
    bool fits = flow_step_count(flow) == RECORD_ANSWERS;

    for (size_t i = 0; fits && i < RECORD_ANSWERS; i++)
        fits = strcmp(flow_step_key(flow, i), forms[form].steps[i]) == 0;
    if (fits)
        return 0;
    snprintf(error, ERROR_MAX,
             "the flow %.40s does not ask what these people answered (%s, %s, %s, %s, %s): "
             "set FLOW_FILE to %s",
             flow_id(flow), forms[form].steps[0], forms[form].steps[1], forms[form].steps[2],
             forms[form].steps[3], forms[form].steps[4], forms[form].example);
    return -1;
}

/* Whether every byte is visible ASCII. */
static bool is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static bool is_utf8(const char *text)
{
    return u8_check((const uint8_t *)text, strlen(text)) == NULL;
}

/* "whatsapp:+243..." and " 243...", which a form makes of a plus sign, are the number +243... */
static void phone_clean(char phone[RECORD_PHONE_MAX])
{
    static const char scheme[] = "whatsapp:";

    if (strncmp(phone, scheme, sizeof scheme - 1) == 0)
        memmove(phone, phone + sizeof scheme - 1, strlen(phone + sizeof scheme - 1) + 1);
    if (phone[0] == ' ')
        phone[0] = '+';
}

static int refuse(const char *why, char error[ERROR_MAX])
{
    snprintf(error, ERROR_MAX, "%s", why);
    return -1;
}

static int texts_check(const struct record_row *row, char error[ERROR_MAX])
{
    if (row->code[0] == '\0' || !is_visible(row->code))
        return refuse("the code is empty or has characters that no code has", error);
    if (strlen(row->phone_number) > MESSAGE_ADDRESS_MAX)
        return refuse("the phone number is missing or too long", error);
    if (!is_visible(row->phone_number))
        return refuse("the phone number has characters that none has", error);
    if (row->notes != NULL && !is_utf8(row->notes))
        return refuse("the notes are not UTF-8", error);
    for (size_t i = 0; i < RECORD_ANSWERS; i++)
        if (row->answers[i].text == NULL)
            return refuse("an answer is missing", error);
    return 0;
}

/* Normalises the answers as the conversation would, end to end into bytes. */
static int answers_normalize(const struct python_record_rules *rules, const struct record_row *row,
                             char bytes[FLOW_ANSWERS_MAX], struct uic_text answers[RECORD_ANSWERS],
                             struct python_record_caveat *caveat)
{
    size_t used = 0;
    char error[160];

    for (size_t i = 0; i < RECORD_ANSWERS; i++) {
        const struct record_cell *cell = &row->answers[i];
        struct uic_text *answer = &answers[i];

        answer->bytes = bytes + used;
        bool said = flow_answer(rules->flow, i, cell->text, cell->length, true, rules->now_s,
                                bytes + used, FLOW_ANSWERS_MAX - used, &answer->length, error) == 0;
        if (!said &&
            flow_answer(rules->flow, i, cell->text, cell->length, false, rules->now_s, bytes + used,
                        FLOW_ANSWERS_MAX - used, &answer->length, error) != 0)
            return -1;
        caveat->unsayable = caveat->unsayable || !said;
        used += answer->length;
    }
    return 0;
}

int python_record_convert(const struct python_record_rules *rules, struct record_row *row,
                          struct python_record_caveat *caveat, char error[ERROR_MAX])
{
    struct uic_text answers[RECORD_ANSWERS];
    char bytes[FLOW_ANSWERS_MAX], code[UIC_CODE_MAX];
    int status = 0;

    *caveat = (struct python_record_caveat){0};
    if (row->why != NULL)
        return refuse(row->why, error);
    phone_clean(row->phone_number);
    if (texts_check(row, error) != 0)
        return -1;
    if (answers_normalize(rules, row, bytes, answers, caveat) != 0)
        status = refuse("an answer is too long or not UTF-8", error);
    else if (uic_input_hash(rules->keys->record_input, KEY_SIZE, answers, RECORD_ANSWERS,
                            row->input_hash) != UIC_OK)
        status = refuse("the cryptographic library failed", error);
    else
        caveat->other_code =
            flow_code(rules->flow, answers, rules->salt, strlen(rules->salt), 0, code) != UIC_OK ||
            strcmp(code, row->code) != 0;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}
