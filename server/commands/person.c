/* Asks the records. */
#include "server/commands/person.h"

#include "server/commands/command.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct number_reader {
    struct phone_numbers *numbers;
    struct keyed_hashes *hashes;
};

static int number_read(void *arg, const char *kept, struct record_number *number)
{
    const struct number_reader *reader = arg;

    return phone_number_open(reader->numbers, kept, number->clear) == 0 &&
                   phone_number_seal(reader->numbers, number->clear, number->sealed) == 0
               ? keyed_hashes_person(reader->hashes, number->clear, number->hash)
               : -1;
}

int person_find(const struct setup *setup, const char *phone, struct record_identifiers *person)
{
    struct number_reader reader = {phone_numbers_create(&setup->keys, true),
                                   keyed_hashes_create(&setup->keys)};
    char error[ERROR_MAX] = "the cryptographic library fails";
    int status = -1;

    if (reader.hashes != NULL && reader.numbers != NULL)
        status = record_identifiers_find(setup->config.database_url, phone, number_read, &reader,
                                         person, error);
    keyed_hashes_free(reader.hashes);
    phone_numbers_free(reader.numbers);
    return status == 0 ? 0 : command_fail(person->too_many ? "--phone" : "DATABASE_URL", error);
}

bool person_is_doubtful(const struct record_identifiers *person)
{
    return person->numbers[0].clear[0] == '+' && person->user_id_count > 0;
}

void person_tell_user_ids(const char *command, const struct record_identifiers *person)
{
    if (person->user_id_count == 1)
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
    for (size_t i = 0; i < person->user_id_count; i++)
        fprintf(stderr,
                "  identifiant / user id %zu%s: fiches / records: %" PRId64
                ", depuis le / since %s\n",
                i + 1, i == 0 && person->user_id_count > 1 ? " (le plus récent / the newest)" : "",
                person->user_ids[i].records, person->user_ids[i].since);
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
