/* Users, core images and the like. */
#include "server/security/privilege.h"

#include "server/telemetry/log.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whom to become: the user named, or the owner of the working directory. */
static const struct passwd *find_user(const char *name)
{
    struct stat here;

    if (name != NULL)
        return getpwnam(name);
    return stat(".", &here) == 0 && here.st_uid != 0 ? getpwuid(here.st_uid) : NULL;
}

static int become(const struct passwd *user)
{
    if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        return -1;
    /* Root's powers must not come back. */
    return user->pw_uid != 0 && setuid(0) == 0 ? -1 : 0;
}

/* No image of the memory for anybody: salt, tokens and keys are in it. Becoming another user hides
 * it, too; in development debuggers are to see it. */
static void hide_memory(bool hide)
{
    const struct rlimit none = {0, 0};

    prctl(PR_SET_DUMPABLE, hide ? 0 : 1);
    if (hide)
        setrlimit(RLIMIT_CORE, &none);
}

int privilege_drop(const struct config *config, char error[ERROR_MAX])
{
    int status = 0;

    if (geteuid() == 0) {
        const struct passwd *user = find_user(config->run_as_user);
        if (user != NULL) {
            status = become(user);
            if (status != 0)
                snprintf(error, ERROR_MAX, "cannot become %s: %s", user->pw_name, strerror(errno));
        } else if (config->run_as_user != NULL || config->production) {
            snprintf(error, ERROR_MAX, "%s",
                     config->run_as_user != NULL
                         ? "there is no such user"
                         : "root does not run this in production; name a user, or root if it must "
                           "be");
            status = -1;
        }
        if (status == 0 && geteuid() == 0)
            log_write(LOG_WARNING, "running_as_root",
                      log_text("hint", "RUN_AS_USER names a user who may do less"));
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    hide_memory(config->production);
    return status;
}
