/* whatsapp-uic salt: a fresh secret for UIC_SALT. */
#include "server/commands/command.h"
#include "server/config/config.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_salt = {
    .name = "salt",
    .arguments = "[--quiet]",
    .summary = "print a fresh salt and its line for .env",
    .details = "  --quiet      print the salt alone\n",
    .run = run,
};

#define RANDOM_BYTES 32
#define BASE64_LENGTH 44
#define SALT_LENGTH 43

/* 256 bits as URL-safe base64 without its padding. */
static int make_salt(char salt[BASE64_LENGTH + 1])
{
    unsigned char bytes[RANDOM_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return -1;
    EVP_EncodeBlock((unsigned char *)salt, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    salt[SALT_LENGTH] = '\0';
    for (char *at = salt; *at; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    return 0;
}

static int print_salt(bool quiet)
{
    char salt[BASE64_LENGTH + 1];
    do {
        if (make_salt(salt) != 0) {
            fputs("whatsapp-uic salt: the system gives no random bytes\n", stderr);
            return COMMAND_FAILED;
        }
    } while (!config_accepts_salt(salt)); /* one in eight thousand is all letters */
    if (quiet)
        printf("%s\n", salt);
    else
        printf("# Sel neuf de %d caractères, pour votre fichier .env / fresh salt for your .env "
               "file:\n\n"
               "UIC_SALT=\"%s\"\n\n"
               "# Gardez-le secret, avec une copie loin des sauvegardes ; ne le changez plus.\n"
               "# Keep it secret, with a copy far from the backups; never change it.\n",
               SALT_LENGTH, salt);
    OPENSSL_cleanse(salt, sizeof salt);
    return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int run(struct options *options, int argc, char *argv[])
{
    bool quiet = false;
    const struct command_option known[] = {{"quiet", .flag = &quiet, .letter = 'q'}, {0}};
    (void)options;
    return command_only_options(known, argc, argv) == 0 ? print_salt(quiet) : COMMAND_USAGE;
}
