/* From any text to a code: what normalising leaves is A to Z and digits, stays when normalised
 * again, and its code is printable and the same every time. */
#include "flow/conversation.h"
#include "fuzz.h"

#include <string.h>

#define PIECES_MAX 24

static void check_normalized(enum uic_normalization normalization, const char *text, size_t size)
{
    size_t capacity = size * 18 + 1, length, again_length;
    char *out = malloc(capacity), *again = malloc(capacity);

    if (uic_normalize(normalization, text, size, out, capacity, &length) == UIC_OK) {
        PROMISE(length < capacity && strlen(out) == length);
        PROMISE(strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == length);
        PROMISE(uic_normalize(normalization, out, length, again, capacity, &again_length) ==
                UIC_OK);
        PROMISE(again_length == length && memcmp(out, again, length) == 0);
    }
    if (uic_normalize_number(text, size, out, capacity, &length) == UIC_OK) {
        PROMISE(strspn(out, "-0123456789") == length && strlen(out) == length);
        PROMISE(uic_normalize_number(out, length, again, capacity, &again_length) == UIC_OK);
        PROMISE(again_length == length && memcmp(out, again, length) == 0);
    }
    free(again);
    free(out);
}

/* A format out of the first bytes, three a piece, over fields out of the rest. */
static void check_code(const uint8_t *data, size_t size)
{
    struct uic_piece pieces[PIECES_MAX];
    struct uic_text fields[4];
    size_t count = size > 0 ? data[0] % PIECES_MAX : 0;
    const struct uic_format format = {pieces, count, 4};
    unsigned char hash[UIC_INPUT_HASH_SIZE];
    char code[UIC_CODE_MAX], again[UIC_CODE_MAX];
    int status;

    if (size < 2 + 3 * count)
        return;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = data + 2 + 3 * i;
        pieces[i] = (struct uic_piece){.kind = at[0] % 4,
                                       .literal = "-/A",
                                       .field = at[1] % 5,
                                       .take = at[0] / 4 % 2,
                                       .length = at[2] % 40,
                                       .pad = at[0] & 8 ? 'X' : '\0',
                                       .numeric = at[0] & 16};
    }
    for (size_t i = 0; i < 4; i++) {
        size_t left = size - 2 - 3 * count;
        fields[i] = (struct uic_text){(const char *)data + 2 + 3 * count, left * (i + 1) / 4};
    }
    status = uic_code(&format, fields, "salt", 4, data[1] % 12, code);
    PROMISE(uic_code(&format, fields, "salt", 4, data[1] % 12, again) == status);
    PROMISE(strcmp(code, again) == 0 && strlen(code) < UIC_CODE_MAX);
    PROMISE(status == UIC_OK || code[0] == '\0');
    PROMISE(strlen(uic_strerror(status)) > 0);
    PROMISE(uic_input_hash((const unsigned char *)"key", 3, fields, 4, hash) == UIC_OK);
}

static void check_answers(const char *text, size_t size)
{
    static struct flow *flow;
    char out[FLOW_ANSWERS_MAX], error[160];
    size_t length;

    if (flow == NULL) {
        char *report;
        const char *json = flow_default_json(&length);
        flow = flow_load("ciu-rdc.json", json, length, &report);
    }
    for (size_t step = 0; step < flow_step_count(flow); step++)
        if (flow_answer(flow, step, text, size, true, 1750000000, out, sizeof out, &length,
                        error) == 0)
            PROMISE(length > 0 && length < sizeof out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size > 4096)
        return 0;
    text = malloc(size + 1);
    memcpy(text, data, size);
    check_normalized(UIC_REFERENCE, text, size);
    check_normalized(UIC_EXTENDED, text, size);
    check_code(data, size);
    check_answers(text, size);
    free(text);
    return 0;
}
