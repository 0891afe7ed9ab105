/* A .env file: what is not understood is told by its line, what is understood can be looked up. */
#include "fuzz.h"
#include "server/config/dotenv.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dotenv dotenv = {0};
    char *said = NULL, *text = malloc(size + 1);
    size_t said_length;
    FILE *errors = open_memstream(&said, &said_length);
    int status;

    memcpy(text, data, size);
    text[size] = '\0';
    status = dotenv_parse(&dotenv, ".env", text, size, errors);
    fclose(errors);
    PROMISE((status == 0) == (said_length == 0));
    for (size_t i = 0; i < dotenv.count; i++) {
        PROMISE(strlen(dotenv.entries[i].name) > 0);
        PROMISE(dotenv_get(&dotenv, dotenv.entries[i].name) != NULL);
    }
    dotenv_free(&dotenv);
    free(said);
    free(text);
    return 0;
}
