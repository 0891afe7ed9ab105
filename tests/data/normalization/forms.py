"""Writes forms.tsv: names, places and words of chance with their forms.

Columns: text, spelling, sound. Computed by patterns over the whole text, so that the library's walk is held
against a second implementation.
"""

import random
import re
import sys
from pathlib import Path

from generate import extended

DATA = Path(__file__).resolve().parents[1]
WRITTEN = {
    "TSH": "C", "TCH": "C", "SCH": "X", "CH": "X", "SH": "X", "DJ": "J", "PH": "F", "GN": "NI", "GU": "G",
    "CQU": "K", "CK": "K", "CQ": "K", "QU": "K", "Q": "K", "CC": "KS", "C": "K", "X": "KS", "EAU": "O",
    "AU": "O", "OU": "U", "W": "U", "Y": "I", "IER": "IE",
}  # fmt: skip
PIECES = re.compile(
    "(?P<first>^C(?=I))|TSH|TCH|SCH|CQU|EAU|IER$|(?P<hard>CH(?=[LR]))|CC(?=[EIY])|GN(?=[AEIOUY])|GU(?=[EI])"
    "|CH|SH|DJ|PH|CK|CQ|QU|AU|OU|(?P<soft>C(?=[EIY]))|[CQXWY]"
)
HEARD_H = re.compile("(?<=[AEIOU])H+(?=[B-DFGJ-NP-TV-Z])|(?<=A)H+(?=A)|(?<=[EI])H+(?=[EI])|(?<=[OU])H+(?=[OU])")
GROUPS = {"first": "C", "hard": "K", "soft": "S"}


def write(match):
    return GROUPS.get(match.lastgroup) or WRITTEN[match[0]]


def join(text):
    return re.sub(r"([A-Z])\1+", r"\1", text)


def base(text):
    return "".join(extended(character) for character in text)


def spelling(text):
    text = base(text)
    if not text.strip("H"):
        return text
    text = PIECES.sub(write, re.sub("^[MN](?=[B-DFGJ-NP-TVXZ])", "", text))
    text = HEARD_H.sub("h", text).replace("H", "").upper()
    return join(text) + (text[-1] if re.search(r"([A-Z])\1$", text) else "")


def sound(text):
    text = spelling(text)
    if text.startswith("H"):
        return text
    text = join(text)
    if len(text) > 3:
        text = re.sub("IE$", "I", re.sub("ES$", "E", text))
        text = re.sub("(?<=[B-DF-HJ-NP-TV-Z])[EI]$", "", text)
    text = re.sub("[MN](?=[B-DF-HJ-NP-TV-Z])", "", text)
    return join(text.translate(str.maketrans("XCZJROE", "SSSSLUI")))


def texts():
    for line in (DATA / "reading/name-variants.tsv").read_text(encoding="utf-8").splitlines():
        yield from line.split("\t")[1:3]
    chance = random.Random(1)
    pieces = ["tsh", "tch", "sch", "ch", "sh", "dj", "ph", "gn", "gu", "cqu", "ck", "cq", "qu", "cc", "eau", "au",
              "ou", "ier", "ie", "es", "mn", "nm", *"aaeeiiouuybcdfghjklmnpqrstvwxz1"]  # fmt: skip
    for _ in range(600):
        yield "".join(chance.choice(pieces) for _ in range(chance.randint(1, 7)))


def main():
    with (Path(__file__).with_name("forms.tsv")).open("w", encoding="utf-8") as out:
        for text in dict.fromkeys(texts()):
            out.write(f"{text}\t{spelling(text)}\t{sound(text)}\n")


if __name__ == "__main__":
    sys.exit(main())
