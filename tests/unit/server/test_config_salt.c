/* The salt's strength, and the file that may hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config_bench.h"
#include <openssl/rand.h>
#include <sys/stat.h>

#define STRONG "Zr4u7x-A_DG9KbPeShVmYq3t6w9zCkFJNcRfUjXn2r0"
#define WEAK "Kinshasa-1985-vih"

static char salt_file[] = "/tmp/test_config_salt.XXXXXX";

static void write_salt(const char *text, size_t length, mode_t mode)
{
    FILE *file = fopen(salt_file, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
    assert_int_equal(chmod(salt_file, mode), 0);
}

static void what_somebody_made_up_is_weak(void **state)
{
    static const char *const salts[] = {
        "aaaaaaaaaaaaaaa1",
        "password12345678",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1",
        "passwordpasswordpasswordpassword1",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "correct-horse-battery-staple",
        "x7!x7!x7!x7!x7!x7!x7!x7!x7!x7!x7!x7!",
        "9876543210987654321098765432109876543210-",
        "Zr4u7x-A_DG9KbPe",
        WEAK,
    };

    (void)state;
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++)
        if (config_salt_is_strong(salts[i]))
            fail_msg("%s counts as strong", salts[i]);
}

static void what_was_drawn_is_strong(void **state)
{
    static const char url_safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    assert_true(config_salt_is_strong(STRONG));
    for (int i = 0; i < 20000; i++) {
        unsigned char bytes[43];
        char salt[44] = "", digits[33] = "";

        assert_int_equal(RAND_bytes(bytes, sizeof bytes), 1);
        for (size_t k = 0; k < sizeof bytes; k++)
            salt[k] = url_safe[bytes[k] % 64];
        if (!config_salt_is_strong(salt))
            fail_msg("%s counts as weak", salt);
        for (size_t k = 0; k < 32; k++)
            digits[k] = "0123456789abcdef"[bytes[k] % 16];
        if (!config_salt_is_strong(digits))
            fail_msg("%s counts as weak", digits);
    }
}

static void a_salt_may_be_of_any_length_and_script(void **state)
{
    static char long_salt[100000];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof long_salt; i++)
        long_salt[i] = (char)('!' + i * i % 90);
    assert_true(config_salt_is_strong(long_salt));
    assert_true(config_salt_is_strong("é7ɔù§4Ω²¶ñ9ßØ»å3þç¤ŋ®ж8Ʒ¾щ"));
    assert_false(config_salt_is_strong(""));
}

static void production_wants_a_strong_one(void **state)
{
    (void)state;
    setenv("UIC_SALT", WEAK, 1);
    assert_int_equal(load(), 0);
    write_file("ENVIRONMENT=production\nPUBLIC_URL=https://a.b\nTWILIO_AUTH_TOKEN=1\n"
               "ADMIN_TOKEN=0123456789abcdef\n");
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "UIC_SALT: "));
    assert_non_null(strstr(said, "128 bits"));
    assert_null(strstr(said, WEAK));
    setenv("UIC_SALT_WEAK", "yes", 1);
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
    setenv("UIC_SALT", STRONG, 1);
    unsetenv("UIC_SALT_WEAK");
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
}

static void a_file_holds_it(void **state)
{
    static const char *const ends[] = {"", "\n", "\r\n"};

    (void)state;
    unsetenv("UIC_SALT");
    setenv("UIC_SALT_FILE", salt_file, 1);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char text[64];
        int length = snprintf(text, sizeof text, STRONG "%s", ends[i]);

        write_salt(text, (size_t)length, 0600);
        assert_int_equal(load(), 0);
        assert_string_equal(said, "");
        assert_string_equal(config.uic_salt, STRONG);
        assert_int_equal(run_loader(config_load_code), 0);
        assert_string_equal(config.uic_salt, STRONG);
    }
}

/* Nothing of it is told. */
static void a_file_without_a_salt_is_refused(void **state)
{
    static const char *const texts[] = {"", "\n", "short-1\n", "onlylettersonlyletters\n",
                                        "bytes-that-are-no-utf8-\xff\n"};

    (void)state;
    unsetenv("UIC_SALT");
    setenv("UIC_SALT_FILE", salt_file, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_salt(texts[i], strlen(texts[i]), 0600);
        assert_int_equal(load(), -1);
        assert_memory_equal(said, "UIC_SALT_FILE: ", 15);
        assert_non_null(strstr(said, "that are not shown"));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
    }
    write_salt(STRONG "\0more", sizeof STRONG + 4, 0600);
    assert_int_equal(load(), -1);
    setenv("UIC_SALT_FILE", "/no/such/file", 1);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "cannot be read: No such file"));
    assert_null(strstr(said, "UIC_SALT: "));
}

/* What people make of a file when they put a salt into it; nothing of it is told. */
static void a_file_with_more_than_a_salt_says_what_to_take_out(void **state)
{
    static const struct {
        const char *text, *says;
    } files[] = {
        {"# fresh salt:\n\nUIC_SALT=\"" STRONG "\"\n\n# Keep it.\n", "several lines"},
        {STRONG "\n# comment\n", "several lines"},
        {STRONG "\n\n", "several lines"},
        {STRONG "\t", "control characters"},
        {STRONG "\x7f\n", "control characters"},
        {STRONG "\xc2\x85\n", "control characters"},
        {STRONG " \n", "blank"},
        {" " STRONG "\n", "blank"},
        {STRONG "\xc2\xa0\n", "blank"},
        {"\xef\xbb\xbf" STRONG "\n", "byte order mark"},
        {"\"" STRONG "\"\n", "quotes"},
        {"'" STRONG "'\n", "quotes"},
        {"UIC_SALT=" STRONG "\n", "UIC_SALT="},
        {"UIC_SALT=\"" STRONG "\"\n", "UIC_SALT="},
    };

    (void)state;
    unsetenv("UIC_SALT");
    setenv("UIC_SALT_FILE", salt_file, 1);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_salt(files[i].text, strlen(files[i].text), 0600);
        assert_int_equal(load(), -1);
        assert_memory_equal(said, "UIC_SALT_FILE: ", 15);
        if (strstr(said, files[i].says) == NULL || strstr(said, "the salt itself") == NULL)
            fail_msg("\"%s\" does not say \"%s\"", said, files[i].says);
        assert_null(strstr(said, STRONG));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    }
    write_salt("it's-\"" STRONG "\" inside\n", strlen(STRONG) + 15, 0600);
    assert_int_equal(load(), 0);
}

/* Nobody waits for who writes into a pipe. */
static void what_is_no_file_is_not_opened_for_long(void **state)
{
    (void)state;
    unsetenv("UIC_SALT");
    setenv("UIC_SALT_FILE", salt_file, 1);
    assert_int_equal(unlink(salt_file), 0);
    assert_int_equal(mkfifo(salt_file, 0600), 0);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "is not a file"));
    assert_int_equal(run_loader(config_load_code), -1);
    assert_int_equal(unlink(salt_file), 0);
    setenv("UIC_SALT_FILE", "/dev/zero", 1);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "is not a file"));
}

static void one_of_the_two_is_enough(void **state)
{
    (void)state;
    write_salt(STRONG "\n", sizeof STRONG, 0600);
    setenv("UIC_SALT_FILE", salt_file, 1);
    assert_int_equal(load(), -1);
    assert_string_equal(said,
                        "UIC_SALT_FILE: is set, and so is UIC_SALT; allowed: one of the two\n");
    assert_int_equal(run_loader(config_load_code), -1);
    setenv("UIC_SALT", "", 1); /* hides the file's */
    write_file("UIC_SALT=" SALT "\n");
    assert_int_equal(load(), 0);
    assert_string_equal(config.uic_salt, STRONG);
}

static void a_file_that_others_may_read_is_told(void **state)
{
    (void)state;
    unsetenv("UIC_SALT");
    setenv("UIC_SALT_FILE", salt_file, 1);
    for (int i = 0; i < 2; i++) {
        write_salt(STRONG "\n", sizeof STRONG, i == 0 ? 0644 : 0660);
        assert_int_equal(load(), 0);
        assert_memory_equal(said, "warning: UIC_SALT_FILE: ", 24);
        assert_non_null(strstr(said, "chmod 0640"));
    }
    write_salt(STRONG "\n", sizeof STRONG, 0640); /* its group is ours */
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
}

/* systemd shows the salt to the service alone: whoever only has to do with the database does
 * without. */
static void the_database_needs_no_salt(void **state)
{
    (void)state;
    unsetenv("UIC_SALT");
    assert_int_equal(load(), -1);
    assert_int_equal(run_loader(config_load_unsalted), 0);
    assert_string_equal(said, "");
    setenv("UIC_SALT_FILE", "/no/such/file", 1);
    assert_int_equal(run_loader(config_load_unsalted), 0);
    assert_string_equal(said, "");
    assert_null(config.uic_salt);
    setenv("UIC_SALT", "short", 1);
    assert_int_equal(run_loader(config_load_unsalted), -1);
    write_file("PORT=none\n");
    unsetenv("UIC_SALT");
    assert_int_equal(run_loader(config_load_unsalted), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_somebody_made_up_is_weak),
        test(what_was_drawn_is_strong),
        test(a_salt_may_be_of_any_length_and_script),
        test(production_wants_a_strong_one),
        test(a_file_holds_it),
        test(a_file_without_a_salt_is_refused),
        test(a_file_with_more_than_a_salt_says_what_to_take_out),
        test(what_is_no_file_is_not_opened_for_long),
        test(one_of_the_two_is_enough),
        test(a_file_that_others_may_read_is_told),
        test(the_database_needs_no_salt),
    };
    int fd = mkstemp(salt_file);

    if (fd < 0 || close(fd) != 0 || bench_open() < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bench_close();
    unlink(salt_file);
    return failed;
}
