/*
 * How a code is put together from its pieces, how it grows when another person holds it already,
 * and what is refused. That whole codes equal the Python version's is in test_reference_vectors.c.
 */
#include "uic/uic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SALT "a salt of sixteen"
/* SHA-256 of "1985KINSHASAJEAN15KABILA" and the salt. */
#define DIGITS "A0F9BD8018D7353EC4F5CD30FC12D69920821130B1A2B42656090430FFD17909"

static const struct uic_text answers[] = {
    {"1985", 4}, {"KINSHASA", 8}, {"JEAN", 4}, {"15", 2}, {"KABILA", 6}};

static const struct uic_piece dash = {.kind = UIC_PIECE_LITERAL, .literal = "-"};

static int make(const struct uic_piece *pieces, size_t count, unsigned longer,
                char code[UIC_CODE_MAX])
{
    const struct uic_format format = {pieces, count, COUNT(answers)};

    memset(code, '#', UIC_CODE_MAX);
    return uic_code(&format, answers, SALT, strlen(SALT), longer, code);
}

static void check_code(const char *expected, const struct uic_piece *pieces, size_t count,
                       unsigned longer)
{
    char code[UIC_CODE_MAX];

    assert_int_equal(UIC_OK, make(pieces, count, longer, code));
    assert_string_equal(expected, code);
}

static void check_refusal(int status, const struct uic_piece *pieces, size_t count, unsigned longer)
{
    char code[UIC_CODE_MAX];

    assert_int_equal(status, make(pieces, count, longer, code));
    assert_string_equal("", code);
}

/* One piece over one field. */
static void check_field(const char *expected, const char *field, struct uic_piece piece)
{
    const struct uic_text fields[] = {{field, strlen(field)}};
    const struct uic_format format = {&piece, 1, 1};
    char code[UIC_CODE_MAX];

    assert_int_equal(UIC_OK, uic_code(&format, fields, "", 0, 0, code));
    assert_string_equal(expected, code);
}

static void test_the_code_of_jean(void **state)
{
    const struct uic_piece pieces[] = {
        {.kind = UIC_PIECE_FIELD,
         .field = 0,
         .take = UIC_TAKE_LAST,
         .length = 3,
         .pad = '0',
         .numeric = true},
        dash,
        {.kind = UIC_PIECE_FIELD, .field = 1, .length = 4, .pad = 'X'},
        dash,
        {.kind = UIC_PIECE_FIELD, .field = 3, .length = 2, .pad = '0', .numeric = true},
        dash,
        {.kind = UIC_PIECE_FIELD, .field = 2, .length = 3, .pad = 'X'},
        dash,
        {.kind = UIC_PIECE_FIELD, .field = 4, .length = 4, .pad = 'X'},
        dash,
        {.kind = UIC_PIECE_HASH, .length = 5},
    };
    (void)state;

    check_code("985-KINS-15-JEA-KABI-A0F9B", pieces, COUNT(pieces), 0);
    check_code("985-KINS-15-JEA-KABI-A0F9BD", pieces, COUNT(pieces), 1);
    check_code("985-KINS-15-JEA-KABI-A0F9BD80", pieces, COUNT(pieces), 3);
    check_code("985-KINS-15-JEA-KABI-" DIGITS, pieces, COUNT(pieces), 59);
    check_refusal(UIC_NO_ROOM, pieces, COUNT(pieces), 60);
    check_refusal(UIC_NO_ROOM, pieces, COUNT(pieces), UINT32_MAX);
}

static void test_a_field_is_cut_at_the_end_that_is_named(void **state)
{
    const struct uic_piece first = {.kind = UIC_PIECE_FIELD, .length = 3, .pad = 'X'};
    const struct uic_piece last = {
        .kind = UIC_PIECE_FIELD, .take = UIC_TAKE_LAST, .length = 3, .pad = 'X'};
    (void)state;

    check_field("KAB", "KABILA", first);
    check_field("ILA", "KABILA", last);
    check_field("KAB", "KAB", first);
    check_field("KAB", "KAB", last);
}

static void test_a_short_field_is_padded_where_nothing_was_taken(void **state)
{
    struct uic_piece piece = {.kind = UIC_PIECE_FIELD, .length = 4, .pad = 'X'};
    (void)state;

    check_field("MOXX", "MO", piece);
    check_field("XXXX", "", piece);
    piece.take = UIC_TAKE_LAST;
    check_field("XXMO", "MO", piece);
    piece.pad = '\0';
    check_field("MO", "MO", piece);
    check_field("", "", piece);
    piece.take = UIC_TAKE_FIRST;
    check_field("MO", "MO", piece);
}

static void test_a_number_is_padded_on_the_left(void **state)
{
    struct uic_piece piece = {.kind = UIC_PIECE_FIELD, .length = 2, .pad = '0', .numeric = true};
    (void)state;

    check_field("05", "5", piece);
    check_field("12", "123", piece);
    piece.take = UIC_TAKE_LAST;
    check_field("05", "5", piece);
    check_field("23", "123", piece);
}

static void test_an_absent_field_counts_as_empty(void **state)
{
    const struct uic_text fields[] = {{NULL, 0}, {"A", 1}};
    const struct uic_piece pieces[] = {
        {.kind = UIC_PIECE_FIELD, .take = UIC_TAKE_LAST, .length = 2, .pad = 'X'},
        {.kind = UIC_PIECE_HASH, .length = 4}};
    const struct uic_format format = {pieces, COUNT(pieces), COUNT(fields)};
    char code[UIC_CODE_MAX];
    (void)state;

    assert_int_equal(UIC_OK, uic_code(&format, fields, NULL, 0, 0, code));
    assert_string_equal("XX559A", code); /* SHA-256 of "A" */
}

static void test_no_pieces_make_an_empty_code(void **state)
{
    (void)state;
    check_code("", NULL, 0, 0);
}

static void test_a_code_without_hash_grows_behind_a_dash(void **state)
{
    const struct uic_piece pieces[] = {
        {.kind = UIC_PIECE_FIELD, .field = 4, .length = 4, .pad = 'X'}};
    (void)state;

    check_code("KABI", pieces, 1, 0);
    check_code("KABI-A", pieces, 1, 1);
    check_code("KABI-A0F", pieces, 1, 3);
    check_code("KABI-" DIGITS, pieces, 1, 64);
    check_refusal(UIC_NO_ROOM, pieces, 1, 65);
    check_refusal(UIC_NO_ROOM, pieces, 1, UINT32_MAX);
}

static void test_the_first_of_two_hash_pieces_grows(void **state)
{
    const struct uic_piece pieces[] = {
        {.kind = UIC_PIECE_HASH, .length = 2}, dash, {.kind = UIC_PIECE_HASH, .length = 3}};
    (void)state;

    check_code("A0-A0F", pieces, COUNT(pieces), 0);
    check_code("A0F9-A0F", pieces, COUNT(pieces), 2);
}

static void test_the_check_character_covers_what_stands_before_it(void **state)
{
    const struct uic_piece pieces[] = {
        {.kind = UIC_PIECE_LITERAL, .literal = "A1-2425G-ABC1234002-"},
        {.kind = UIC_PIECE_CHECK},
        {.kind = UIC_PIECE_LITERAL, .literal = "/z"},
        {.kind = UIC_PIECE_HASH, .length = 1},
    };
    (void)state;

    check_code("A1-2425G-ABC1234002-M/zA", pieces, COUNT(pieces), 0);
    check_code("A1-2425G-ABC1234002-M/zA0", pieces, COUNT(pieces), 1);
}

static void test_the_salt_changes_the_hash(void **state)
{
    const struct uic_piece piece = {.kind = UIC_PIECE_HASH, .length = 64};
    const struct uic_format format = {&piece, 1, COUNT(answers)};
    char one[UIC_CODE_MAX], other[UIC_CODE_MAX];
    (void)state;

    assert_int_equal(UIC_OK, uic_code(&format, answers, "salt\0one", 8, 0, one));
    assert_int_equal(UIC_OK, uic_code(&format, answers, "salt\0two", 8, 0, other));
    assert_string_not_equal(one, other);
}

static void test_a_format_that_makes_no_sense_is_refused(void **state)
{
    const struct uic_piece bad[] = {
        {.kind = UIC_PIECE_FIELD, .field = COUNT(answers), .length = 1},
        {.kind = UIC_PIECE_FIELD, .field = SIZE_MAX, .length = 1},
        {.kind = UIC_PIECE_FIELD, .field = 0, .length = 0},
        {.kind = UIC_PIECE_FIELD, .field = 0, .length = UIC_CODE_MAX, .pad = 'X'},
        {.kind = UIC_PIECE_FIELD, .field = 0, .length = SIZE_MAX, .pad = 'X'},
        {.kind = UIC_PIECE_HASH, .length = 0},
        {.kind = UIC_PIECE_HASH, .length = UIC_HASH_DIGITS_MAX + 1},
        {.kind = UIC_PIECE_HASH, .length = SIZE_MAX},
        {.kind = UIC_PIECE_LITERAL, .literal = NULL},
        {.kind = (enum uic_piece_kind)17},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(bad); i++) {
        const struct uic_piece pieces[] = {dash, bad[i], dash};
        check_refusal(UIC_BAD_FORMAT, pieces, COUNT(pieces), 0);
        check_refusal(UIC_BAD_FORMAT, pieces, COUNT(pieces), 1);
    }
}

static void test_a_code_fits_to_the_byte_or_not_at_all(void **state)
{
    struct uic_piece pieces[] = {
        {.kind = UIC_PIECE_FIELD, .field = 2, .length = UIC_CODE_MAX - 2, .pad = 'X'},
        dash,
        {.kind = UIC_PIECE_LITERAL, .literal = ""},
        dash,
    };
    char code[UIC_CODE_MAX];
    (void)state;

    assert_int_equal(UIC_OK, make(pieces, 3, 0, code));
    assert_int_equal(UIC_CODE_MAX - 1, strlen(code));
    check_refusal(UIC_NO_ROOM, pieces, 4, 0);
    check_refusal(UIC_NO_ROOM, pieces, 3, 1);

    pieces[1] = (struct uic_piece){.kind = UIC_PIECE_FIELD, .field = 0, .length = 2};
    check_refusal(UIC_NO_ROOM, pieces, 2, 0);
    pieces[1] = (struct uic_piece){.kind = UIC_PIECE_HASH, .length = 64};
    check_refusal(UIC_NO_ROOM, pieces, 2, 0);
    pieces[1] = (struct uic_piece){.kind = UIC_PIECE_CHECK};
    assert_int_equal(UIC_OK, make(pieces, 2, 0, code));
    pieces[2] = pieces[1];
    check_refusal(UIC_NO_ROOM, pieces, 3, 0);
}

static void test_every_status_has_its_sentence(void **state)
{
    (void)state;
    for (int status = UIC_CRYPTO - 1; status <= UIC_OK + 1; status++) {
        assert_non_null(uic_strerror(status));
        assert_true(strlen(uic_strerror(status)) > 0);
        for (int other = UIC_CRYPTO - 1; other < status; other++) {
            bool both_unknown = status > UIC_OK && other < UIC_CRYPTO;
            assert_int_equal(both_unknown, strcmp(uic_strerror(status), uic_strerror(other)) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_code_of_jean),
        cmocka_unit_test(test_a_field_is_cut_at_the_end_that_is_named),
        cmocka_unit_test(test_a_short_field_is_padded_where_nothing_was_taken),
        cmocka_unit_test(test_a_number_is_padded_on_the_left),
        cmocka_unit_test(test_an_absent_field_counts_as_empty),
        cmocka_unit_test(test_no_pieces_make_an_empty_code),
        cmocka_unit_test(test_a_code_without_hash_grows_behind_a_dash),
        cmocka_unit_test(test_the_first_of_two_hash_pieces_grows),
        cmocka_unit_test(test_the_check_character_covers_what_stands_before_it),
        cmocka_unit_test(test_the_salt_changes_the_hash),
        cmocka_unit_test(test_a_format_that_makes_no_sense_is_refused),
        cmocka_unit_test(test_a_code_fits_to_the_byte_or_not_at_all),
        cmocka_unit_test(test_every_status_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
