"""What the built-in flow says, read from its file, so that tests name the meaning of a reply and not
its words; and the code of given answers, computed here a second time."""

import hashlib
import json
import re
import unicodedata
from pathlib import Path

from processes import SALT

FLOW_PATH = Path(__file__).resolve().parents[2] / "flow/definitions/ciu-rdc.json"
FLOW = json.loads(FLOW_PATH.read_text(encoding="utf-8"))

JEAN = ("1985", "Kinshasa", "Jean", "15", "Kabila")
MARIE = ("1990", "Goma", "Marie", "2", "Mbuyi")
PLACES = ("Kinshasa", "Goma", "Bukavu", "Lubumbashi", "Kananga", "Mbandaka", "Kisangani", "Boma")
SYLLABLES = ("ka", "bi", "la", "mu", "to", "ndo", "sé", "ngo", "wa", "li", "tshi", "ba", "ku", "pé",
             "ma", "yo")
CODE_LINE = re.compile(r"^[0-9]{3}-[0-9A-Z]{4}-[0-9]{2}-[0-9A-Z]{3}-[0-9A-Z]{4}-[0-9A-F]{5,}$", re.M)


def name_of(number):
    """A name for each number, no two alike, and none a word of a language: that would be asked again."""
    name = SYLLABLES[number % 16]
    while number >= 16:
        number //= 16
        name += SYLLABLES[number % 16]
    return name.capitalize() + "n"


def fill(text, **values):
    """A text of the flow file with its {placeholders} filled in, all of them."""
    return text.format(total=len(FLOW["steps"]), **values)


def message(name, language="fr", **values):
    return fill(FLOW["messages"][language][name], **values)


def question(step, language="fr"):
    return FLOW["steps"][step]["question"][language]


def invalid(step, language="fr"):
    step = FLOW["steps"][step]
    return fill(step["invalid"][language], **step["answer"])


def code_in(reply):
    """The code that a reply tells: alone on its line, once."""
    codes = CODE_LINE.findall(reply)
    assert len(codes) == 1, reply
    return codes[0]


def normalize(text):
    """Enough for the names that these tests use."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(c for c in letters if c.isascii() and c.isalnum()).upper()


def code_of(answers, salt=SALT):
    """The code of (birth year, mother's birthplace, first name, birth day, family name)."""
    year, place, first, day, family = (normalize(answer) for answer in answers)
    day = str(int(day))
    digest = hashlib.sha256((year + place + first + day + family + salt).encode()).hexdigest()
    pieces = (year[-3:].rjust(3, "0"), place[:4].ljust(4, "X"), day[:2].rjust(2, "0"),
              first[:3].ljust(3, "X"), family[:4].ljust(4, "X"), digest[:5].upper())
    return "-".join(pieces)
