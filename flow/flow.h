/*
 * flow: a programme's questions, read from a flow file: what answers are, and what codes are made
 * of. A person's way through them stands in flow/conversation.h.
 *
 *     struct flow *flow = flow_load("ciu-rdc.json", json, length, &report);
 *
 * Pure: no I/O and no clock. A struct flow does not change after flow_load and may be used by all
 * threads at once.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "flow/reading/result.h"
#include "uic/uic.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Questions that a flow can have at most. */
#define FLOW_STEPS_MAX 16
/* Languages that a flow can have at most. */
#define FLOW_LANGUAGES_MAX 8
/* What may be known of a record besides its code: see flow_near and flow_ask_near. */
#define FLOW_NEAR_STEPS 5
#define FLOW_NEAR_HASH_SIZE 5
#define FLOW_NEAR_SIZE (FLOW_NEAR_STEPS * FLOW_NEAR_HASH_SIZE)
#define FLOW_RECORD_SIZE 32
/* Bytes that hold all answers of a conversation, normalised. */
#define FLOW_NORMALIZED_MAX 4096

struct flow;
struct keyed_number;

/*
 * Reads and checks a flow file. file_name is only for the report. Returns the flow, to be freed by
 * flow_free, or NULL with *report set to one line for every mistake in the file ("ciu-rdc.json:
 * steps[2].question.fr: expected a text of 1 to 1000 characters"), to be freed by the caller; it
 * is NULL, too, when memory ran out.
 */
#define FLOW_FILE_MAX ((size_t)1 << 20)
struct flow *flow_load(const char *file_name, const char *json, size_t length, char **report);
void flow_free(struct flow *flow);

/* The flow file that is built in, definitions/ciu-rdc.json; static, NUL-terminated. */
const char *flow_default_json(size_t *length);

const char *flow_id(const struct flow *flow);
unsigned flow_version(const struct flow *flow);
/* Whether its codes may still change: its version is 0. */
bool flow_is_draft(const struct flow *flow);
/* Of what answers mean: steps, what their answers are and how they are read, normalisation, code.
 * Another wording is no other number. */
uint64_t flow_fingerprint(const struct flow *flow);
/* Of the whole file: another file, another number. */
uint64_t flow_file_fingerprint(const struct flow *flow);
size_t flow_step_count(const struct flow *flow);
/* The key ("birth_year") of a step, or NULL beyond the last. */
const char *flow_step_key(const struct flow *flow, size_t step);
/* The first step that asks for it; a place by choices, where none asks for one in words. -1: none
 * does. */
enum flow_part { FLOW_PART_PLACE, FLOW_PART_YEAR, FLOW_PART_DAY };
int flow_part_step(const struct flow *flow, enum flow_part part);
/* Whether its code is made of answers, and then, behind its last hyphen, a hash. */
bool flow_code_shows(const struct flow *flow);
size_t flow_language_count(const struct flow *flow);
/* The code ("fr") of a language, or NULL beyond the last. */
const char *flow_language(const struct flow *flow, size_t language);
/* Whether a language's texts wait for somebody who speaks it to read them over: the flow file has
 * it in "reviewed_by", without a name. */
bool flow_language_is_unproofread(const struct flow *flow, size_t language);
/* From here on nobody is offered such a language or answered in it, as if the flow did not have it;
 * languages keep their indices. Call it before other threads have the flow. */
void flow_withhold_unproofread(struct flow *flow);
/* Whether people can choose a language. */
bool flow_language_is_offered(const struct flow *flow, size_t language);

/*
 * One answer of the flow outside a conversation: checks it (unless check is false) and normalises
 * it into out. now_s (seconds since 1970, UTC) is for `"max": "now"`. Returns 0, or -1 with error
 * saying in English what is expected.
 */
int flow_answer(const struct flow *flow, size_t step, const char *text, size_t length, bool check,
                int64_t now_s, char *out, size_t capacity, size_t *out_length, char error[160]);

/*
 * Reads a message as an answer to a step, in the way that the step asks for ("reading" in the flow
 * file), then checks and normalises it as flow_answer does. Returns 0 with a reading of the first
 * three kinds, or -1 with one of the last two and error saying in English what is expected. A step
 * that is read plainly takes the message as it stands; its text is empty when it does not fit.
 */
int flow_read(const struct flow *flow, size_t step, const char *text, size_t length, int64_t now_s,
              struct flow_reading *reading, char *out, size_t capacity, size_t *out_length,
              char error[160]);

/* Leaves nothing of what was said in it. */
void flow_reading_wipe(struct flow_reading *reading);

/* Whether answers in doubt are read back to the person before the code. */
enum flow_confirm { FLOW_CONFIRM_ALWAYS, FLOW_CONFIRM_DOUBT, FLOW_CONFIRM_NEVER };
enum flow_confirm flow_confirm(const struct flow *flow);

/* The code of normalised answers, one for each step; longer as in uic_code. Returns a
 * uic_status. */
int flow_code(const struct flow *flow, const struct uic_text *answers, const char *salt,
              size_t salt_length, unsigned longer, char code[UIC_CODE_MAX]);
/* What a code of it is made of; as long as the flow lives. */
const struct uic_format *flow_format(const struct flow *flow);

/*
 * Whether two people's answers are near each other: five keyed hashes, each of all answers but one
 * (that of step 0, 1, ...): names by their sound and how they end, in either order, a place by its
 * sound. Where one of them is equal, four of five answers are; twins' are, too, but for the first
 * name: in that one's place is a hash of all five, without how names end. Only of a flow of five
 * steps; of each the answer normalised, and as it was read, for the code may be made of less. The
 * key is in uic/keyed_number.h. Returns 0, or -1 when a text is too long or the cryptographic
 * library failed.
 */
bool flow_has_near(const struct flow *flow);
int flow_near(const struct flow *flow, const struct uic_text *answers, const struct uic_text *read,
              struct keyed_number *keyed, unsigned char near[FLOW_NEAR_SIZE]);
/* Whether somebody whose answers are near those of a record that she asked for is asked if they are
 * the same person's; and by which hashes that record is looked for, each at its place: that of
 * all sounds, whose place is told (-1: there is none), finds none. */
bool flow_asks_near(const struct flow *flow);
int flow_near_sounds_at(const struct flow *flow);
void flow_near_sought(const struct flow *flow, const unsigned char near[FLOW_NEAR_SIZE],
                      unsigned char sought[FLOW_NEAR_SIZE]);

#endif
