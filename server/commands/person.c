/* Asks the records. */
#include "server/commands/person.h"

#include "server/commands/command.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The linked number, as the record holds it, in clear and sealed; none when it was sealed under
 * another salt. */
static int linked_open(struct phone_numbers *numbers, struct record_links *links)
{
    char clear[RECORD_PHONE_MAX];

    phone_number_open(numbers, links->phone_number, clear);
    strcpy(links->phone_number, clear);
    return phone_number_seal(numbers, clear, links->sealed_number);
}

struct number_reader {
    struct phone_numbers *numbers;
    struct keyed_hashes *hashes;
};

static int number_hash(void *arg, const char *kept, unsigned char hash[RECORD_USER_ID_SIZE])
{
    const struct number_reader *reader = arg;
    char clear[RECORD_PHONE_MAX];

    phone_number_open(reader->numbers, kept, clear);
    return clear[0] != '\0' ? keyed_hashes_person(reader->hashes, clear, hash) : -1;
}

int person_find(const struct setup *setup, const char *phone, struct person *person)
{
    const char *url = setup->config.database_url;
    struct number_reader reader = {phone_numbers_create(&setup->keys, true),
                                   keyed_hashes_create(&setup->keys)};
    struct record_name name = {.phone_number = phone,
                               .sealed_number = person->sealed,
                               .is_user_id = phone[0] != '+',
                               .number_hash = number_hash,
                               .arg = &reader};
    char error[ERROR_MAX] = "the cryptographic library fails";

    int status = reader.hashes != NULL && reader.numbers != NULL &&
                         keyed_hashes_person(reader.hashes, phone, name.hash) == 0 &&
                         phone_number_seal(reader.numbers, phone, person->sealed) == 0
                     ? 0
                     : -1;
    if (status == 0)
        status = record_links_find(url, &name, &person->links, error);
    if (status == 0)
        status = linked_open(reader.numbers, &person->links);
    if (status == 0 && name.is_user_id)
        status = record_links_check(url, &name, &person->links, error);
    keyed_hashes_free(reader.hashes);
    phone_numbers_free(reader.numbers);
    return status == 0 ? 0 : command_fail("DATABASE_URL", error);
}

bool person_is_doubtful(const char *phone, const struct record_links *links)
{
    return phone[0] == '+' && links->count > 0;
}

void person_tell_user_ids(const char *command, const struct record_links *links)
{
    if (links->count == 1)
        fprintf(
            stderr,
            "%s: les fiches de ce numéro sont celles d’un identifiant WhatsApp ; si le numéro a "
            "été redonné depuis, ce sont celles de son ancien titulaire\n"
            "%s: the records of this number are those of a WhatsApp user id; if the number was "
            "given out again since, they are its former owner's\n",
            command, command);
    else
        fprintf(stderr,
                "%s: ce numéro a appartenu à plusieurs personnes\n"
                "%s: several people had this number\n",
                command, command);
    for (size_t i = 0; i < links->count; i++)
        fprintf(stderr,
                "  identifiant / user id %zu%s: fiches / records: %" PRId64
                ", depuis le / since %s\n",
                i + 1, i == 0 && links->count > 1 ? " (le plus récent / the newest)" : "",
                links->records[i], links->since[i]);
}

int person_refuse(const char *command)
{
    fprintf(
        stderr,
        "%s: dites --phone avec l’identifiant (CD.1234) de la personne dont il s’agit, ou --all "
        "pour tout ce qui est à ce numéro\n"
        "%s: say --phone with the user id (CD.1234) of whom you mean, or --all for all that is "
        "under this number\n",
        command, command);
    return -1;
}
