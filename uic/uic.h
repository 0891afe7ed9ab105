/*
 * uic: from a person's answers to a Unique Identifier Code.
 *
 *     char name[64]; size_t length;
 *     uic_normalize(UIC_EXTENDED, "Kabilà", 7, name, sizeof name, &length);      -> "KABILA"
 *     ... one normalised text for each field ...
 *     uic_code(&format, fields, salt, salt_length, 0, code);     -> "985-KINS-15-JEA-KABI-A3F9D"
 *
 * Pure: no I/O, no clock, no state; every function may be called from any thread. The library
 * allocates nothing that the caller must free. Texts are UTF-8 with a length; a NUL inside is a
 * character like another (and, being no letter or digit, is dropped).
 */
#ifndef UIC_UIC_H
#define UIC_UIC_H

#include <stdbool.h>
#include <stddef.h>

/* What the shared library shows; everything else in it is hidden. */
#if defined(__GNUC__)
#define UIC_API __attribute__((visibility("default")))
#else
#define UIC_API
#endif

/* Bytes that hold any code this library makes, with its NUL. */
#define UIC_CODE_MAX 128
/* Bytes of an input hash. */
#define UIC_INPUT_HASH_SIZE 32
/* Hexadecimal digits that a hash piece can have at most. */
#define UIC_HASH_DIGITS_MAX 64

/* What every function returns: 0, or a negative reason. */
enum uic_status {
    UIC_OK = 0,
    UIC_BAD_UTF8 = -1,   /* the text is not valid UTF-8 */
    UIC_NO_ROOM = -2,    /* the result does not fit in what the caller gave */
    UIC_BAD_FORMAT = -3, /* a piece names a field that is not there, or a length out of range */
    UIC_NOT_NUMBER = -4, /* the text is not a whole number */
    UIC_CRYPTO = -5,     /* the cryptographic library failed (out of memory) */
};

/* One English sentence for a status; never NULL, static. */
UIC_API const char *uic_strerror(int status);

enum uic_normalization {
    /* NFD, keep ASCII letters and digits, upper-case: what the Python version did. */
    UIC_REFERENCE,
    /* The same where the reference loses no letter; beyond it NFKD, and letters that have no
     * decomposition are folded: œ OE, æ AE, ß SS, ø O, ł L, đ D, ı I, ŋ N, ɛ E, ɔ O. */
    UIC_EXTENDED,
    /* One form for the spellings of a name in the DR Congo, made of the extended text; digits stay,
     * and what would be empty (H) stays as it is. Mwamba, Muamba: MUAMBA. Tshibangu, Cibangu:
     * CIBANGU. Keeps endings, by which first names differ: Jean JEAN, Jeanne JEANE, Michelle
     * MIXELE. M and N in front of a consonant fall at the beginning: Nsimba SIMBA. */
    UIC_SPELLING,
    /* The same without what ears and pens confuse most: Nsimba, Nzimba, Simba: SIBA. */
    UIC_SOUND,
};

/*
 * Normalises text into out as ASCII letters and digits, NUL-terminated. *out_length (without the
 * NUL) may be 0: a text that leaves nothing. Returns UIC_OK, UIC_BAD_UTF8 or UIC_NO_ROOM; after an
 * error out holds an empty string. A form (spelling, sound) is made in out, where the extended text
 * and what it is on the way must have room: twice the extended text, with the NUL, always suffices.
 */
UIC_API int uic_normalize(enum uic_normalization normalization, const char *text, size_t length,
                          char *out, size_t capacity, size_t *out_length);

/*
 * The canonical decimal of a whole number written in any script's digits: "05", " ５ ", "٥" -> "5".
 * White space and invisible characters around it, and one full stop or comma behind, are allowed.
 * Returns UIC_OK, UIC_NOT_NUMBER, UIC_BAD_UTF8 or UIC_NO_ROOM; after an error out is empty.
 */
UIC_API int uic_normalize_number(const char *text, size_t length, char *out, size_t capacity,
                                 size_t *out_length);

struct uic_text {
    const char *bytes;
    size_t length;
};

enum uic_piece_kind {
    UIC_PIECE_LITERAL, /* literal, as it is */
    UIC_PIECE_FIELD,   /* length characters of a field, padded */
    UIC_PIECE_HASH,    /* length hexadecimal digits of the salted SHA-256 of all fields */
    UIC_PIECE_CHECK,   /* one ISO 7064 MOD 37,36 character over the letters and digits so far */
};

enum uic_take { UIC_TAKE_FIRST, UIC_TAKE_LAST };

struct uic_piece {
    enum uic_piece_kind kind;
    const char *literal; /* LITERAL: NUL-terminated ASCII */
    size_t field;        /* FIELD: index into the fields */
    enum uic_take take;  /* FIELD: which end */
    size_t length;       /* FIELD: 1 or more; HASH: 1 to UIC_HASH_DIGITS_MAX */
    char pad;            /* FIELD: what fills a short field, '\0' for nothing */
    bool numeric;        /* FIELD: pads on the left even when the first characters are taken */
};

struct uic_format {
    const struct uic_piece *pieces;
    size_t piece_count;
    size_t field_count;
};

/*
 * Makes the code of the normalised fields (format->field_count of them, in step order). longer
 * asks for that many more hexadecimal digits, for a code that another person holds already: they
 * lengthen the hash piece, or follow a format without one as "-" and digits.
 * Returns UIC_OK, UIC_BAD_FORMAT, UIC_NO_ROOM or UIC_CRYPTO; after an error code is empty.
 */
UIC_API int uic_code(const struct uic_format *format, const struct uic_text *fields,
                     const char *salt, size_t salt_length, unsigned longer,
                     char code[UIC_CODE_MAX]);

/*
 * HMAC-SHA256 with key over the fields, each preceded by its length (eight bytes, highest first),
 * so that ("AB","C") and ("A","BC") differ. Returns UIC_OK or UIC_CRYPTO.
 */
UIC_API int uic_input_hash(const unsigned char *key, size_t key_length,
                           const struct uic_text *fields, size_t count,
                           unsigned char hash[UIC_INPUT_HASH_SIZE]);

#endif
