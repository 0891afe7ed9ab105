/* What a person wrote, read as an answer to each question. The first byte picks flow and question:
 * from @ on those of ciu-province, two of which are choices. */
#include "flow/conversation.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

#define NOW INT64_C(1795435200)

static struct flow *flows[2];
static const struct flow *flow; /* one of them */

static struct flow *load(const char *json, size_t length)
{
    char *report;
    struct flow *loaded = flow_load("flow.json", json, length, &report);

    PROMISE(loaded != NULL);
    return loaded;
}

static void open_flows(void)
{
    static char other[1 << 16];
    FILE *file = fopen(SOURCE_DIR "/flow/definitions/ciu-province.json", "r");
    size_t length;
    const char *built_in = flow_default_json(&length);

    PROMISE(file != NULL);
    flows[0] = load(built_in, length);
    flows[1] = load(other, fread(other, 1, sizeof other, file));
    fclose(file);
}

static bool is_text(const char *text, size_t length)
{
    return strlen(text) == length && length < FLOW_READING_MAX &&
           u8_check((const uint8_t *)text, length) == NULL;
}

/* What was read is read again as the same: it is told back to the person, who may repeat it. */
static void check_again(size_t step, const struct flow_reading *first, const char *normalized)
{
    struct flow_reading reading;
    char out[FLOW_ANSWERS_MAX], error[160];
    size_t length;
    int result = flow_read(flow, step, first->text, first->length, NOW, &reading, out, sizeof out,
                           &length, error);

    PROMISE(result < 0 || strcmp(out, normalized) == 0 || reading.kind == FLOW_READ_DOUBTFUL ||
            first->kind != FLOW_READ);
}

static void check_reading(size_t step, const char *text, size_t size)
{
    struct flow_reading reading;
    char out[FLOW_ANSWERS_MAX], error[160] = "";
    size_t length = 0;
    int result = flow_read(flow, step, text, size, NOW, &reading, out, sizeof out, &length, error);

    PROMISE(reading.kind <= FLOW_READ_NO_ANSWER);
    PROMISE((result < 0) == (reading.kind >= FLOW_READ_AGAIN));
    PROMISE((result < 0) == (strlen(error) > 0));
    PROMISE(is_text(reading.text, reading.length));
    PROMISE(reading.candidate_count <= FLOW_READING_CANDIDATES_MAX);
    PROMISE((reading.kind == FLOW_READ_WHICH) == (reading.candidate_count > 0));
    for (size_t i = 0; i < reading.candidate_count; i++)
        PROMISE(is_text(reading.candidates[i], strlen(reading.candidates[i])));
    if (result < 0)
        return;
    PROMISE(length > 0 && length == strlen(out) && reading.length > 0);
    PROMISE(out[strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0');
    check_again(step, &reading, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (flows[0] == NULL)
        open_flows();
    if (size == 0)
        return 0;
    flow = flows[data[0] >= '@'];
    check_reading(data[0] % flow_step_count(flow), (const char *)data + 1, size - 1);
    return 0;
}
