/* The .env file: what python-dotenv reads, read the same; what is wrong, told by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config/dotenv.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const char *text;
    const char *value; /* of A; NULL: there is none */
};

static void values_are_read_as_python_dotenv_does(void **state)
{
    static const struct reading readings[] = {
        {"A=plain", "plain"},
        {"A=\n", ""},
        {"A=", ""},
        {"  A = spaced out \n", "spaced out"},
        {"export A=exported\n", "exported"},
        {"export\tA=exported\n", "exported"},
        {"exportA=1\nA=2\n", "2"},
        {"# A=commented\n", NULL},
        {"A=1 # comment\n", "1"},
        {"A=1#no comment\n", "1#no comment"},
        {"A=#no comment\n", "#no comment"},
        {"A= # comment\n", ""}, /* here python-dotenv takes the comment for the value */
        {"A='1 # kept' # comment\n", "1 # kept"},
        {"A=\"1 # kept\"# comment\n", "1 # kept"},
        {"A='a\\nb\\'c\\\\'\n", "a\\nb'c\\"},
        {"A=\"a\\nb\\\"c\\\\d\\te\\q\"\n", "a\nb\"c\\d\te\\q"},
        {"A=a\\nb\n", "a\\nb"},
        {"A=a=b==\n", "a=b=="},
        {"A=it's \"so\"\n", "it's \"so\""},
        {"A=\"first\nsecond\"\nB=2\n", "first\nsecond"},
        {"A=\"\"\n", ""},
        {"A=1\r\nB=2\r\n", "1"},
        {"B=2\rA=1\r", "1"},
        {"\xEF\xBB\xBF"
         "A=marked\n",
         "marked"},
        {"A=1\nA=2\n", "2"},
        {"\n\n \t\nA=Générateur\n", "Générateur"},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        struct dotenv dotenv;
        const char *text = readings[i].text;
        assert_int_equal(dotenv_parse(&dotenv, ".env", text, strlen(text), stderr), 0);
        const char *value = dotenv_get(&dotenv, "A");
        if (readings[i].value != NULL) {
            assert_non_null(value);
            assert_string_equal(value, readings[i].value);
        } else {
            assert_null(value);
        }
        dotenv_free(&dotenv);
    }
}

static void check_errors(const char *text, size_t length, const char *expected)
{
    struct dotenv dotenv;
    char *said;
    size_t size;
    FILE *errors = open_memstream(&said, &size);
    assert_int_equal(dotenv_parse(&dotenv, "x.env", text, length, errors), -1);
    fclose(errors);
    assert_string_equal(said, expected);
    dotenv_free(&dotenv);
    free(said);
}

static void bad_lines_are_told_by_number_and_never_shown(void **state)
{
    static const struct reading readings[] = {
        {"A=1\nsecret words\nB=2\n=3\n",
         "x.env:2: expected NAME=value\nx.env:4: expected NAME=value\n"},
        {"A=\"open\nB=2\n", "x.env:1: the quotation mark is not closed\n"},
        {"A='open\\", "x.env:1: the quotation mark is not closed\n"},
        {"A='x'y\n", "x.env:1: unexpected text behind the closing quotation mark\n"},
        {"A=\"1\n2\n3\"\nfour\n", "x.env:4: expected NAME=value\n"},
        {"A=\"1\r\n2\"\r\nthree\r\n", "x.env:3: expected NAME=value\n"},
        {"export\n", "x.env:1: expected NAME=value\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        check_errors(readings[i].text, strlen(readings[i].text), readings[i].value);
}

static void what_is_no_text_file_is_refused(void **state)
{
    (void)state;
    check_errors("A=1\0B=2\n", 8, "x.env: expected a text file of at most 65536 bytes\n");
    static char large[DOTENV_FILE_MAX + 1];
    memset(large, '\n', sizeof large);
    check_errors(large, sizeof large, "x.env: expected a text file of at most 65536 bytes\n");
}

static void good_lines_beside_bad_ones_are_kept(void **state)
{
    (void)state;
    struct dotenv dotenv;
    static const char text[] = "A=1\nbad\nB=2\n";
    FILE *nowhere = fopen("/dev/null", "w");
    dotenv_parse(&dotenv, ".env", text, strlen(text), nowhere);
    fclose(nowhere);
    assert_int_equal(dotenv.count, 2);
    assert_string_equal(dotenv_get(&dotenv, "B"), "2");
    assert_int_equal(dotenv.entries[1].line, 3);
    dotenv_free(&dotenv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_python_dotenv_does),
        cmocka_unit_test(bad_lines_are_told_by_number_and_never_shown),
        cmocka_unit_test(what_is_no_text_file_is_refused),
        cmocka_unit_test(good_lines_beside_bad_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
