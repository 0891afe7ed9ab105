/*
 * Takes codes apart into their pieces and counts in which of them two codes of a person differ.
 * Codes are compared as they are printed: nobody knows the answers any more.
 */
#include "flow/agreement.h"
#include "flow/definition.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* Of the normal distribution, for 95 %. */
#define Z 1.959964

/* A code, in capitals, and where its pieces end. */
struct parts {
    char code[UIC_CODE_MAX];
    size_t length;
    size_t end[FLOW_PIECES_MAX];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hexadecimal(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F');
}

static bool is_letter_or_digit(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool all_are(const char *text, size_t length, bool (*is)(char))
{
    for (size_t i = 0; i < length; i++)
        if (!is(text[i]))
            return false;
    return true;
}

static bool take_capitals(const char *text, size_t length, struct parts *parts)
{
    if (length == 0 || length >= sizeof parts->code)
        return false;
    for (size_t i = 0; i < length; i++)
        parts->code[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] & ~0x20 : text[i]);
    parts->length = length;
    return true;
}

static size_t piece_length(const struct uic_piece *piece)
{
    if (piece->kind == UIC_PIECE_LITERAL)
        return strlen(piece->literal);
    return piece->kind == UIC_PIECE_CHECK ? 1 : piece->length;
}

static bool piece_fits(const struct uic_piece *piece, const char *at, size_t length)
{
    if (piece->kind == UIC_PIECE_LITERAL)
        return strncasecmp(at, piece->literal, length) == 0;
    if (piece->kind == UIC_PIECE_HASH)
        return length <= UIC_HASH_DIGITS_MAX && all_are(at, length, is_hexadecimal);
    return all_are(at, length, piece->numeric ? is_digit : is_letter_or_digit);
}

/* Where a field has nothing to fill it, nobody can tell where it ends. */
static bool has_fixed_pieces(const struct flow *flow)
{
    for (size_t i = 0; i < flow->format.piece_count; i++)
        if (flow->pieces[i].kind == UIC_PIECE_FIELD && flow->pieces[i].length > 1 &&
            flow->pieces[i].pad == '\0')
            return false;
    return true;
}

static bool is_printed(char c)
{
    return c > ' ' && c <= '~';
}

/* What makes a code longer lengthens its first hash, or follows as "-" and digits. */
static bool split(const struct flow *flow, const char *text, size_t length, struct parts *parts)
{
    size_t at = 0, spare = length;

    memset(parts->end, 0, sizeof parts->end);
    if (!has_fixed_pieces(flow))
        return take_capitals(text, length, parts) && all_are(parts->code, length, is_printed);
    for (size_t i = 0; i < flow->format.piece_count; i++) {
        const size_t wanted = piece_length(&flow->pieces[i]);

        if (wanted > spare)
            return false;
        spare -= wanted;
    }
    if (!take_capitals(text, length, parts))
        return false;
    for (size_t i = 0; i < flow->format.piece_count; i++) {
        size_t size = piece_length(&flow->pieces[i]);

        if (flow->pieces[i].kind == UIC_PIECE_HASH) {
            size += spare;
            spare = 0;
        }
        if (!piece_fits(&flow->pieces[i], parts->code + at, size))
            return false;
        parts->end[i] = at += size;
    }
    return spare == 0 || (spare > 1 && parts->code[at] == '-' &&
                          all_are(parts->code + at + 1, spare - 1, is_hexadecimal));
}

bool agreement_is_code(const struct flow *flow, const char *text, size_t length)
{
    struct parts parts;
    const bool is = split(flow, text, length, &parts);

    explicit_bzero(&parts, sizeof parts);
    return is;
}

static bool piece_differs(const struct parts *one, const struct parts *other, size_t piece)
{
    const size_t first = piece == 0 ? 0 : one->end[piece - 1];
    const size_t second = piece == 0 ? 0 : other->end[piece - 1];
    const size_t length = one->end[piece] - first;

    return length != other->end[piece] - second ||
           memcmp(one->code + first, other->code + second, length) != 0;
}

static void count_different(struct agreement *agreement, const struct flow *flow,
                            const struct parts *one, const struct parts *other)
{
    bool differs[FLOW_STEPS_MAX] = {false};
    bool shown = false;

    agreement->different++;
    if (!has_fixed_pieces(flow)) {
        agreement->unknown++;
        return;
    }
    for (size_t i = 0; i < flow->format.piece_count; i++)
        if (flow->pieces[i].kind == UIC_PIECE_FIELD)
            differs[flow->pieces[i].field] |= piece_differs(one, other, i);
    for (size_t i = 0; i < flow->step_count; i++) {
        agreement->by_step[i] += differs[i];
        shown |= differs[i];
    }
    agreement->hidden += !shown;
}

int agreement_count(struct agreement *agreement, const struct flow *flow, const char *first,
                    size_t first_length, const char *second, size_t second_length)
{
    struct parts one, other;
    const bool both =
        split(flow, first, first_length, &one) && split(flow, second, second_length, &other);

    if (both && one.length == other.length && memcmp(one.code, other.code, one.length) == 0)
        agreement->same++;
    else if (both)
        count_different(agreement, flow, &one, &other);
    explicit_bzero(&one, sizeof one);
    explicit_bzero(&other, sizeof other);
    return both ? 0 : -1;
}

void agreement_interval(size_t part, size_t whole, double *low, double *high)
{
    const double n = (double)whole, share = (double)part / n, spread = Z * Z / n;
    const double middle = (share + spread / 2) / (1 + spread);
    const double half = Z / (1 + spread) * sqrt(share * (1 - share) / n + spread / (4 * n));

    *low = middle - half;
    *high = middle + half;
}
