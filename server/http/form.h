/*
 * application/x-www-form-urlencoded, taken apart. What the bytes of a field are worth is for those
 * to judge who use it. Pure.
 */
#ifndef SERVER_HTTP_FORM_H
#define SERVER_HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* Fields that a form can have at most, whatever is configured. */
#define FORM_FIELDS_MAX 256

struct form_text {
    const char *bytes; /* any: not NUL-terminated, may hold a NUL (%00), perhaps no UTF-8 */
    size_t length;
};

struct form_field {
    struct form_text key;
    struct form_text value;
    bool broken; /* a percent sign without two hexadecimal digits stands in it, as it came */
};

/* Fields in the order of the body, pointing into the decoded copy behind them. */
struct form {
    size_t count;
    struct form_field fields[FORM_FIELDS_MAX];
    char *rest; /* of the storage: what is free behind the texts */
};

/*
 * Decodes body into form; the texts go to storage, which must hold length bytes and outlive the
 * form. Returns 0, or -1 with *reason (static) when there are more than fields_max fields.
 */
int form_decode(struct form *form, const char *body, size_t length, size_t fields_max,
                char *storage, const char **reason);

/* Whether some field is broken: for a form of our own pages, which never is. */
bool form_is_broken(const struct form *form);

/* The value of a key. *count (may be NULL) is how many fields have it; the first one counts.
 * Without one the length is 0 and bytes is NULL. */
struct form_text form_value(const struct form *form, const char *key, size_t *count);

#endif
