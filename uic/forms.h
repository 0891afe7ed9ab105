/* The forms by which spellings of a name fall together. Private to uic. */
#ifndef UIC_FORMS_H
#define UIC_FORMS_H

#include <stddef.h>

/* Both change an extended text (ASCII capitals and digits, NUL-terminated) in place. A text is
 * never empty behind them that was not before. */

/* capacity counts the NUL. Returns UIC_OK, or UIC_NO_ROOM with the text spoilt. */
int form_spelling(char *text, size_t *length, size_t capacity);
/* What is left to do between "spelling" and "sound"; makes a text no longer. */
void form_sound(char *text, size_t *length);

#endif
