/* Headers of the administration and its files, one a line: cookies, what a browser has and takes,
 * where a form comes from. Nobody gets in by a cookie that we did not make. */
#include "fuzz.h"
#include "server/admin/access.h"
#include "server/admin/assets.h"
#include "server/admin/login.h"

#include <string.h>

#define LINES 4
#define LINE_MAX 1024

static const int64_t NOW = 1795449600;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct access *access, *other;
    static struct access_pass ours;
    struct access_pass found;
    char lines[LINES][LINE_MAX] = {{0}};
    size_t line = 0, length = 0;

    if (access == NULL) {
        access = access_create("fuzz-Token_5hJ2pWq8");
        other = access_create("fuzz-Token_9999999");
        PROMISE(access_make_pass(access, NOW, &ours) == 0);
    }
    for (size_t i = 0; i < size && line < LINES; i++) {
        if (data[i] == '\n')
            line++, length = 0;
        else if (length + 1 < LINE_MAX && data[i] != '\0')
            lines[line][length++] = (char)data[i];
    }
    PROMISE(access_find_pass(other, lines[0], NOW, &found) == PASS_NONE);
    PROMISE(access_find_pass(access, lines[0], NOW, &found) == PASS_NONE ||
            strstr(lines[0], "uic_admin="));
    asset_accepts_gzip(lines[0]);
    if (asset_is_known(lines[0], "\"abc\""))
        PROMISE(strstr(lines[0], "\"abc\"") != NULL || strchr(lines[0], '*') != NULL);
    const struct login_origin from = {
        lines[0][0] != '\0' ? lines[0] : NULL,
        lines[1][0] != '\0' ? lines[1] : NULL,
        lines[2][0] != '\0' ? lines[2] : NULL,
        "https://ciu.example.org",
    };
    if (login_is_from_here(&from) && from.fetch_site != NULL)
        PROMISE(strcmp(from.fetch_site, "same-origin") == 0);
    return 0;
}
