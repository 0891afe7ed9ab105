"""Writes characters.tsv: every character that leaves a letter or digit when it is normalised.

Columns: code point, reference, extended. Computed with Python's own Unicode tables, so that the
library is held against a second implementation. Unicode 14, as in Debian 12. With --ranges: the
rows of the table in uic/known.c instead, which holds the library to that version.
"""

import sys
import unicodedata

FOLDS = {
    "Œ": "OE", "œ": "OE", "Æ": "AE", "æ": "AE", "ß": "SS", "ẞ": "SS", "Ø": "O", "ø": "O",
    "Ł": "L", "ł": "L", "Đ": "D", "đ": "D", "ı": "I", "Ŋ": "N", "ŋ": "N", "Ɛ": "E", "ɛ": "E",
    "Ɔ": "O", "ɔ": "O",
}  # fmt: skip

# Circled and squared letters: signs by category, letters by Unicode's Alphabetic property.
ALPHABETIC_SIGNS = (
    range(0x24B6, 0x24EA), range(0x1F130, 0x1F14A), range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A),
)  # fmt: skip


def kept(text):
    return "".join(c for c in text if c.isascii() and c.isalnum()).upper()


def reference(character):
    text = unicodedata.normalize("NFD", character.strip())
    return kept("".join(c for c in text if unicodedata.category(c) != "Mn"))


def extended(character):
    letter = unicodedata.category(character)[0] in "LN" or any(
        ord(character) in signs for signs in ALPHABETIC_SIGNS
    )
    text = unicodedata.normalize("NFKD" if letter else "NFD", character)
    text = "".join(FOLDS.get(c, c) for c in text)
    return kept("".join(str(unicodedata.decimal(c, c)) for c in text))


def characters():
    """(code point, reference, extended) of each character that leaves something."""
    for code_point in range(0x110000):
        if 0xD800 <= code_point < 0xE000:
            continue
        row = reference(chr(code_point)), extended(chr(code_point))
        if row != ("", ""):
            yield code_point, *row


def ranges():
    """(first, last) of the runs of them beyond ASCII."""
    runs = []
    for code_point, *_ in characters():
        if code_point >= 0x80:
            if runs and code_point == runs[-1][1] + 1:
                runs[-1][1] = code_point
            else:
                runs.append([code_point, code_point])
    return runs


def main():
    assert unicodedata.unidata_version.startswith("14."), "made with Unicode 14, and no other"
    if "--ranges" in sys.argv:
        for first, last in ranges():
            print(f"    {{0x{first:04X}, 0x{last:04X}}},")
    else:
        for code_point, *row in characters():
            print(f"{code_point:04X}\t{row[0]}\t{row[1]}")


if __name__ == "__main__":
    sys.exit(main())
