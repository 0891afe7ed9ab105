/*
 * Normalised fields and a format make a code, piece after piece; the fields and a key make the
 * hash by which a person is known again.
 */
#include "uic/hasher.h"

#include "uic/check.h"
#include <string.h>

struct draft {
    char *code;
    size_t length;
    const struct uic_text *fields;
    size_t field_count;
    struct uic_text salt;
    struct uic_hasher *hasher;
};

const char *uic_strerror(int status)
{
    switch (status) {
    case UIC_OK:
        return "Success.";
    case UIC_BAD_UTF8:
        return "The text is not valid UTF-8.";
    case UIC_NO_ROOM:
        return "The result does not fit in the room that was given.";
    case UIC_BAD_FORMAT:
        return "A piece of the format names a field that is not there or has a wrong length.";
    case UIC_NOT_NUMBER:
        return "The text is not a whole number.";
    case UIC_CRYPTO:
        return "The cryptographic library failed.";
    default:
        return "Unknown status.";
    }
}

static int put_bytes(struct draft *draft, const char *bytes, size_t length)
{
    if (length >= UIC_CODE_MAX - draft->length)
        return UIC_NO_ROOM;
    if (length > 0)
        memcpy(draft->code + draft->length, bytes, length);
    draft->length += length;
    return UIC_OK;
}

static int put_padding(struct draft *draft, char pad, size_t length)
{
    if (length >= UIC_CODE_MAX - draft->length)
        return UIC_NO_ROOM;
    memset(draft->code + draft->length, pad, length);
    draft->length += length;
    return UIC_OK;
}

static int put_field(struct draft *draft, const struct uic_piece *piece)
{
    if (piece->field >= draft->field_count || piece->length == 0 || piece->length >= UIC_CODE_MAX)
        return UIC_BAD_FORMAT;

    const struct uic_text *field = &draft->fields[piece->field];
    size_t taken = field->length < piece->length ? field->length : piece->length;
    size_t missing = piece->pad == '\0' ? 0 : piece->length - taken;
    size_t skipped = piece->take == UIC_TAKE_LAST ? field->length - taken : 0;
    bool pad_left = piece->take == UIC_TAKE_LAST || piece->numeric;

    int status = put_padding(draft, piece->pad, pad_left ? missing : 0);
    if (status == UIC_OK && taken > 0)
        status = put_bytes(draft, field->bytes + skipped, taken);
    if (status == UIC_OK)
        status = put_padding(draft, piece->pad, pad_left ? 0 : missing);
    return status;
}

static int put_hash(struct draft *draft, size_t length)
{
    static const char hexadecimal[] = "0123456789ABCDEF";
    unsigned char hash[UIC_CODE_HASH_SIZE];
    char digits[UIC_HASH_DIGITS_MAX];

    int status =
        uic_hasher_code_hash(draft->hasher, draft->fields, draft->field_count, draft->salt, hash);
    if (status != UIC_OK)
        return status;
    for (size_t i = 0; i < length; i++)
        digits[i] = hexadecimal[i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15];
    return put_bytes(draft, digits, length);
}

/* The first hash piece takes all that the code is to be longer by. */
static int put_hash_piece(struct draft *draft, size_t length, unsigned *longer)
{
    if (length == 0 || length > UIC_HASH_DIGITS_MAX)
        return UIC_BAD_FORMAT;
    if (*longer > UIC_HASH_DIGITS_MAX - length)
        return UIC_NO_ROOM;
    length += *longer;
    *longer = 0;
    return put_hash(draft, length);
}

static int put_longer(struct draft *draft, unsigned longer)
{
    if (longer == 0)
        return UIC_OK;
    if (longer > UIC_HASH_DIGITS_MAX)
        return UIC_NO_ROOM;
    int status = put_bytes(draft, "-", 1);
    return status == UIC_OK ? put_hash(draft, longer) : status;
}

static int put_piece(struct draft *draft, const struct uic_piece *piece, unsigned *longer)
{
    char check;

    switch (piece->kind) {
    case UIC_PIECE_LITERAL:
        return piece->literal ? put_bytes(draft, piece->literal, strlen(piece->literal))
                              : UIC_BAD_FORMAT;
    case UIC_PIECE_FIELD:
        return put_field(draft, piece);
    case UIC_PIECE_HASH:
        return put_hash_piece(draft, piece->length, longer);
    case UIC_PIECE_CHECK:
        check = check_character(draft->code, draft->length);
        return put_bytes(draft, &check, 1);
    }
    return UIC_BAD_FORMAT;
}

int uic_hasher_code(struct uic_hasher *hasher, const struct uic_format *format,
                    const struct uic_text *fields, const char *salt, size_t salt_length,
                    unsigned longer, char code[UIC_CODE_MAX])
{
    struct draft draft = {.code = code,
                          .fields = fields,
                          .field_count = format->field_count,
                          .salt = {salt, salt_length},
                          .hasher = hasher};
    int status = UIC_OK;

    for (size_t i = 0; status == UIC_OK && i < format->piece_count; i++)
        status = put_piece(&draft, &format->pieces[i], &longer);
    if (status == UIC_OK)
        status = put_longer(&draft, longer);

    code[status == UIC_OK ? draft.length : 0] = '\0';
    return status;
}

int uic_code(const struct uic_format *format, const struct uic_text *fields, const char *salt,
             size_t salt_length, unsigned longer, char code[UIC_CODE_MAX])
{
    struct uic_hasher *hasher = uic_hasher_create(NULL, 0);
    int status = UIC_CRYPTO;

    *code = '\0';
    if (hasher != NULL)
        status = uic_hasher_code(hasher, format, fields, salt, salt_length, longer, code);
    uic_hasher_free(hasher);
    return status;
}

int uic_input_hash(const unsigned char *key, size_t key_length, const struct uic_text *fields,
                   size_t count, unsigned char hash[UIC_INPUT_HASH_SIZE])
{
    struct uic_hasher *hasher = uic_hasher_create(key, key_length);
    const int status =
        hasher != NULL ? uic_hasher_input_hash(hasher, fields, count, hash) : UIC_CRYPTO;

    uic_hasher_free(hasher);
    return status;
}
