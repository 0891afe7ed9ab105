/* Asks the records. */
#include "server/commands/person.h"

#include "server/commands/command.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The linked number, as the record holds it, in clear and sealed; none when it was sealed under another
 * salt. */
static int linked_open(struct phone_numbers *numbers, struct record_links *links)
{
    char clear[RECORD_PHONE_MAX];

    phone_number_open(numbers, links->phone_number, clear);
    strcpy(links->phone_number, clear);
    return phone_number_seal(numbers, clear, links->sealed_number);
}

int person_find(const struct setup *setup, const char *phone, struct person *person)
{
    const char *url = setup->config.database_url;
    struct keyed_hashes *hashes = keyed_hashes_create(&setup->keys);
    struct phone_numbers *numbers = phone_numbers_create(&setup->keys, true);
    unsigned char user_id[KEYED_HASHES_PERSON_SIZE];
    char error[ERROR_MAX] = "the cryptographic library fails";

    int status = hashes != NULL && numbers != NULL &&
                         keyed_hashes_person(hashes, phone, user_id) == 0 &&
                         phone_number_seal(numbers, phone, person->sealed) == 0
                     ? 0
                     : -1;
    if (status == 0)
        status = record_links_find(url, phone, person->sealed, phone[0] == '+' ? NULL : user_id,
                                   &person->links, error);
    if (status == 0)
        status = linked_open(numbers, &person->links);
    keyed_hashes_free(hashes);
    phone_numbers_free(numbers);
    return status == 0 ? 0 : command_fail("DATABASE_URL", error);
}

int person_tell_several(const char *command, const struct record_links *links)
{
    fprintf(stderr,
            "%s: ce numéro a appartenu à plusieurs personnes ; dites --phone avec "
            "l’identifiant (CD.1234) de celle dont il s’agit, ou --all pour toutes\n"
            "%s: several people had this number; say --phone with the user id (CD.1234) of "
            "whom you mean, or --all for all of them\n",
            command, command);
    for (size_t i = 0; i < links->count; i++)
        fprintf(stderr, "  identifiant / user id %zu%s: fiches / records: %" PRId64 "\n", i + 1,
                i == 0 ? " (le plus récent / the newest)" : "", links->records[i]);
    return -1;
}
