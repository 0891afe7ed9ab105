/*
 * What the forms are worth: how many spellings of a name or place fall together that are met in the
 * DR Congo (tests/data), and that other names do not. A change of the rules changes codes: see
 * uic/forms.c.
 */
#include "uic/uic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ZONES_MAX 600
#define COLUMNS_MAX 8
#define FORM_MAX 128

static FILE *open_data(const char *name)
{
    char path[512];

    snprintf(path, sizeof path, SOURCE_DIR "/tests/data/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* The next line's columns, comments passed over. Returns how many; 0 at the end. */
static size_t next_row(FILE *file, char line[512], char *columns[COLUMNS_MAX])
{
    size_t count = 0;

    do
        if (fgets(line, 512, file) == NULL)
            return 0;
    while (line[0] == '#');
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at != NULL && count < COLUMNS_MAX;)
        columns[count++] = strsep(&at, "\t");
    return count;
}

static void make_form(enum uic_normalization form, const char *text, char out[FORM_MAX])
{
    size_t length;

    assert_int_equal(UIC_OK, uic_normalize(form, text, strlen(text), out, FORM_MAX, &length));
}

static bool fall_together(enum uic_normalization form, const char *one, const char *other)
{
    char first[FORM_MAX], second[FORM_MAX];

    make_form(form, one, first);
    make_form(form, other, second);
    return strcmp(first, second) == 0;
}

/* Per cent of pairs that are one in the form, of those that are not one before; kind is what the
 * first column says, NULL without such a column. */
static double recall(const char *file_name, const char *kind, enum uic_normalization form)
{
    FILE *file = open_data(file_name);
    char line[512], *columns[COLUMNS_MAX];
    unsigned pairs = 0, found = 0;

    while (next_row(file, line, columns) > 0) {
        char **pair = kind == NULL ? columns : columns + 1;

        if (kind != NULL && strcmp(columns[0], kind) != 0)
            continue;
        if (fall_together(UIC_EXTENDED, pair[0], pair[1]))
            continue;
        pairs++;
        found += fall_together(form, pair[0], pair[1]);
    }
    fclose(file);
    assert_true(pairs > 50);
    print_message("%s %s: %u of %u\n", file_name, kind == NULL ? "" : kind, found, pairs);
    return 100.0 * found / pairs;
}

/* Of two zones of one town, "Kalamu I" and "Kalamu II", one is looked at. */
static bool is_second(const char *zone)
{
    return strlen(zone) > 3 && strcmp(zone + strlen(zone) - 3, " II") == 0;
}

static unsigned wrong_merges_of_zones(enum uic_normalization form)
{
    static char zones[ZONES_MAX][64], forms[ZONES_MAX][FORM_MAX];
    FILE *file = open_data("identity/health-zones.tsv");
    char line[512], *columns[COLUMNS_MAX];
    size_t count = 0;
    unsigned merged = 0;

    assert_int_equal(3, next_row(file, line, columns)); /* the head */
    while (next_row(file, line, columns) > 0) {
        assert_true(count < ZONES_MAX);
        if (is_second(columns[0]))
            continue;
        make_form(form, columns[0], forms[count]);
        snprintf(zones[count++], sizeof *zones, "%s", columns[0]);
    }
    fclose(file);
    assert_true(count > 500);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(forms[i], forms[j]) == 0) {
                print_message("%s = %s\n", zones[j], zones[i]);
                merged++;
            }
    return merged;
}

static void the_sound_finds_most_spellings(void **state)
{
    (void)state;
    assert_true(recall("identity/zone-pairs.tsv", NULL, UIC_SOUND) >= 60);
    assert_true(recall("reading/name-variants.tsv", "N", UIC_SOUND) >= 93);
    assert_true(recall("reading/name-variants.tsv", "P", UIC_SOUND) >= 83);
    assert_true(recall("reading/name-variants.tsv", "L", UIC_SOUND) >= 94);
}

static void the_sound_confuses_ten_pairs_of_zones_in_the_whole_country(void **state)
{
    (void)state;
    assert_true(wrong_merges_of_zones(UIC_SOUND) <= 10);
}

/* Of first names half: what it misses are most of all endings (Michel and Michelle, Patrick and
 * Patrique), which it keeps for the sake of twins. */
static void the_spelling_finds_two_thirds(void **state)
{
    (void)state;
    assert_true(recall("identity/zone-pairs.tsv", NULL, UIC_SPELLING) >= 25);
    assert_true(recall("reading/name-variants.tsv", "N", UIC_SPELLING) >= 72);
    assert_true(recall("reading/name-variants.tsv", "P", UIC_SPELLING) >= 51);
    assert_true(recall("reading/name-variants.tsv", "L", UIC_SPELLING) >= 68);
}

static void the_spelling_confuses_no_zones(void **state)
{
    (void)state;
    assert_int_equal(0, wrong_merges_of_zones(UIC_SPELLING));
}

static void the_spelling_keeps_twins_apart(void **state)
{
    FILE *file = open_data("identity/twins.tsv");
    char line[512], *columns[COLUMNS_MAX];
    size_t count, pairs = 0;

    (void)state;
    while ((count = next_row(file, line, columns)) > 0)
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < i; j++, pairs++)
                if (fall_together(UIC_SPELLING, columns[i], columns[j]))
                    fail_msg("%s = %s", columns[j], columns[i]);
    fclose(file);
    assert_true(pairs > 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sound_finds_most_spellings),
        cmocka_unit_test(the_sound_confuses_ten_pairs_of_zones_in_the_whole_country),
        cmocka_unit_test(the_spelling_finds_two_thirds),
        cmocka_unit_test(the_spelling_confuses_no_zones),
        cmocka_unit_test(the_spelling_keeps_twins_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
