/* The forms by which spellings of a name fall together; the shared library does not show them. */
#ifndef UIC_FORMS_H
#define UIC_FORMS_H

#include <stdbool.h>
#include <stddef.h>

/* Changes an extended text (ASCII capitals and digits, NUL-terminated) in place; one that was not empty
 * is not empty behind it. capacity counts the NUL. Returns UIC_OK, or UIC_NO_ROOM with the text spoilt. */
int form_spelling(char *text, size_t *length, size_t capacity);

/* Changes a text that UIC_SPELLING has made into that of UIC_SOUND, in place; it becomes no longer, and
 * not empty. NUL-terminated. */
void form_sound(char *text, size_t *length);

/* Of a form's letters. */
static inline bool form_is_vowel(char letter)
{
    return letter == 'A' || letter == 'E' || letter == 'I' || letter == 'O' || letter == 'U';
}

#endif
