/* Which characters count: those of one version of Unicode, so that a newer library under us, which
 * knows more letters and digits, makes no other code of the same answer. */
#ifndef UIC_KNOWN_H
#define UIC_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the character, beyond ASCII, still yields a letter or digit after normalisation, by
 * Unicode 14. */
bool uic_is_known(uint32_t character);

#endif
