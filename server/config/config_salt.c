/* The salt: what may be one, what is hard enough to guess for production, and the file that holds
 * it. */
#include "server/config/config_parts.h"
#include "server/config/file.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

/* Of a salt as it is judged; more of it makes it no weaker. */
#define JUDGED_MAX 256
#define SALT_FILE_MAX 4096
/* What production wants: as many tries, 128 bits. */
#define STRONG 0x1p128

bool config_accepts_salt(const char *salt)
{
    const uint8_t *at = (const uint8_t *)salt;
    size_t count = 0, letters = 0, digits = 0;
    ucs4_t character;
    for (; (at = u8_next(&character, at)); count++) {
        letters += uc_is_alpha(character);
        digits += uc_is_digit(character);
    }
    return count >= 16 && letters < count && digits < count;
}

static bool is_within(ucs4_t character, ucs4_t first, ucs4_t last)
{
    return character >= first && character <= last;
}

/* How many characters those of a salt are chosen from. */
static unsigned count_alphabet(const ucs4_t *salt, size_t length)
{
    bool digits = false, small = false, capitals = false, others = false;
    for (size_t i = 0; i < length; i++) {
        if (is_within(salt[i], '0', '9'))
            digits = true;
        else if (is_within(salt[i], 'a', 'z'))
            small = true;
        else if (is_within(salt[i], 'A', 'Z'))
            capitals = true;
        else
            others = true;
    }
    return digits * 10u + small * 26u + capitals * 26u + others * 32u;
}

/* aaa, 123 or cba. */
static bool is_run(const ucs4_t *three)
{
    return three[1] - three[0] == three[2] - three[1] && three[1] + 1 - three[0] <= 2;
}

static bool stood_before(const ucs4_t *salt, size_t at)
{
    for (size_t i = 2; i < at; i++)
        if (memcmp(&salt[i - 2], &salt[at - 2], 3 * sizeof *salt) == 0)
            return true;
    return false;
}

/* Whether so many letters in a row have the same case, as in a word. */
static bool is_word(const ucs4_t *letters, size_t count)
{
    size_t small = 0, capitals = 0;
    for (size_t i = 0; i < count; i++) {
        small += is_within(letters[i], 'a', 'z');
        capitals += is_within(letters[i], 'A', 'Z');
    }
    return small == count || capitals == count;
}

static bool is_hexadecimal(const ucs4_t *salt, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_within(salt[i], '0', '9') && !is_within(salt[i], 'a', 'f') &&
            !is_within(salt[i], 'A', 'F'))
            return false;
    return true;
}

/* How many tries it takes somebody who knows how salts are made up: a repetition or a run adds
 * nothing, the fourth letter of a word and those behind it two bits each. */
static double count_tries(const ucs4_t *salt, size_t length)
{
    const unsigned alphabet = count_alphabet(salt, length);
    const bool has_words = !is_hexadecimal(salt, length);
    double tries = 1;
    for (size_t i = 0; i < length; i++) {
        if (i >= 2 && (is_run(&salt[i - 2]) || stood_before(salt, i)))
            continue;
        tries *= has_words && i >= 3 && is_word(&salt[i - 3], 4) ? 4 : alphabet;
    }
    return tries;
}

bool config_salt_is_strong(const char *salt)
{
    const uint8_t *at = (const uint8_t *)salt;
    ucs4_t characters[JUDGED_MAX];
    size_t length = 0;
    while (length < JUDGED_MAX && (at = u8_next(&characters[length], at)))
        length++;
    const bool strong = count_tries(characters, length) >= STRONG;
    OPENSSL_cleanse(characters, sizeof characters);
    return strong;
}

static void cut_newline(char *text, size_t length)
{
    if (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    if (length > 0 && text[length - 1] == '\r')
        text[--length] = '\0';
}

/* What stands there beside the salt and would become a part of it, unseen; or NULL. */
static const char *find_excess(const char *salt)
{
    const uint8_t *at = (const uint8_t *)salt;
    ucs4_t first = 0, last = 0, character;
    if (strncmp(salt, "\xef\xbb\xbf", 3) == 0)
        return "begins with a byte order mark";
    for (; (at = u8_next(&character, at)) != NULL; last = character) {
        if (uc_is_cntrl(character))
            return "holds several lines or control characters";
        if (first == 0)
            first = character;
    }
    if (strncmp(salt, "UIC_SALT=", 9) == 0)
        return "begins with UIC_SALT=";
    if (uc_is_property_white_space(first) || uc_is_property_white_space(last))
        return "begins or ends with a blank";
    if (uc_is_property_quotation_mark(first) && uc_is_property_quotation_mark(last))
        return "holds quotes around the salt";
    return NULL;
}

/* Says what is wrong with the text, and nothing of it. Returns whether it is a salt. */
static bool judge_file(const char *path, const char *salt, size_t length, bool whole, FILE *errors)
{
    const bool is_text = whole && u8_check((const uint8_t *)salt, strlen(salt)) == NULL;
    const char *excess = is_text ? find_excess(salt) : NULL;
    if (excess != NULL)
        fprintf(errors,
                "UIC_SALT_FILE: %s %s; allowed: one line with nothing but the salt itself, as "
                "whatsapp-uic salt --quiet writes it: keep only that\n",
                path, excess);
    else if (!is_text || !config_accepts_salt(salt))
        fprintf(errors,
                "UIC_SALT_FILE: %s holds %zu bytes that are not shown and are no salt; allowed: "
                "one line with a salt as UIC_SALT may be (see: whatsapp-uic salt --quiet)\n",
                path, length);
    else
        return true;
    return false;
}

/* Returns the salt, to be freed, or NULL with a line in errors. */
static char *read_salt(const char *path, FILE *errors)
{
    size_t length;
    char *salt = file_read_regular(path, SALT_FILE_MAX, &length);
    if (salt == NULL) {
        if (errno == EISDIR)
            fprintf(errors, "UIC_SALT_FILE: %s is not a file\n", path);
        else
            fprintf(errors, "UIC_SALT_FILE: %s cannot be read: %s\n", path, strerror(errno));
        return NULL;
    }
    const bool whole = strlen(salt) == length;
    cut_newline(salt, length);
    if (judge_file(path, salt, length, whole, errors))
        return salt;
    OPENSSL_cleanse(salt, length);
    free(salt);
    return NULL;
}

int config_read_salt(struct config *config, const struct dotenv *file, FILE *errors)
{
    char why[FILE_EXPOSED_MAX];
    if (config->uic_salt_file == NULL)
        return 0;
    if (config_lookup(file, "UIC_SALT")) {
        fputs("UIC_SALT_FILE: is set, and so is UIC_SALT; allowed: one of the two\n", errors);
        return -1;
    }
    if (file_is_exposed(config->uic_salt_file, why))
        fprintf(errors, "warning: UIC_SALT_FILE: %s %s\n", config->uic_salt_file, why);
    config->uic_salt = read_salt(config->uic_salt_file, errors);
    return config->uic_salt != NULL ? 0 : -1;
}
