/* What `check` makes of Meta's answer: words that an operator can act on. */
#include "server/commands/graph_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OURS "106540352242922"

static const struct row {
    long status;
    const char *body;
    int expected;
    const char *said; /* in the text */
} rows[] = {
    {200,
     "{\"id\":\"" OURS
     "\",\"display_phone_number\":\"+243 81 000 0000\",\"verified_name\":\"CIU\"}",
     0, "+243 81 000 0000, CIU"},
    {200, "{\"id\":\"" OURS "\",\"display_phone_number\":\"+243 81 000 0000\"}", 0,
     "without a verified name"},
    {200, "{\"id\":\"" OURS "\",\"verified_name\":\"A page\"}", -1,
     "something else than a phone number"},
    {200, "{\"id\":\"1\",\"display_phone_number\":\"+1\"}", -1,
     "something else than a phone number"},
    {401, "{\"error\":{\"message\":\"Session has expired\",\"code\":190,\"error_subcode\":463}}",
     -1, "META_WHATSAPP_TOKEN has expired"},
    {401, "{\"error\":{\"message\":\"Invalid OAuth access token\",\"code\":190}}", -1,
     "META_WHATSAPP_TOKEN is not valid"},
    {400, "{\"error\":{\"message\":\"Object does not exist\",\"code\":100,\"error_subcode\":33}}",
     -1, "META_PHONE_NUMBER_ID is wrong"},
    {403, "{\"error\":{\"message\":\"Permission denied\",\"code\":10}}", -1, "has no permission"},
    {403, "{\"error\":{\"message\":\"Permissions error\",\"code\":200}}", -1, "has no permission"},
    {400, "{\"error\":{\"message\":\"Too many calls\",\"code\":4}}", -1, "slow down"},
    {400, "{\"error\":{\"message\":\"deprecated version\",\"code\":2635}}", -1,
     "META_GRAPH_VERSION"},
    {500, "{\"error\":{\"code\":\"x\",\"message\":7}}", -1,
     "Meta refuses (code 0: without a word)"},
    {400, "{\"error\":{\"message\":\"\\u001b[2J\\nevil\",\"code\":1}}", -1, "?[2J?evil"},
    {404, "<html>", -1, "answers with status 404 and not as Meta does"},
    {200, "", -1, "not as Meta does"},
    {302, "{}", -1, "not as Meta does"},
};

static void every_answer_has_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[GRAPH_CHECK_MAX];
        int result =
            graph_check_read(rows[i].status, rows[i].body, strlen(rows[i].body), OURS, text);

        if (result != rows[i].expected || strstr(text, rows[i].said) == NULL)
            fail_msg("%s gives %d, %s", rows[i].body, result, text);
        assert_null(strpbrk(text, "\n\x1b"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_answer_has_its_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
