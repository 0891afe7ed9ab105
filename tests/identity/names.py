"""Names and places as texts: how often each is met, how the rare ones sound, how one is spelt in two ways."""

import re
import sys
import unicodedata
from bisect import bisect
from itertools import accumulate
from pathlib import Path
from random import Random

DATA = Path(__file__).resolve().parents[1] / "data"
sys.path.append(str(DATA / "normalization"))
import forms  # noqa: E402

ONSETS = "m k n t b l s mb nd ng nk nt nz mp mw k l m b k m n t l z y w d f kw ky ny sh tsh bw lw p v j g".split()
CODAS = "n m r l s".split()
VARIANTS = 0.15  # of the rare texts, those that are another spelling of a frequent one: assumed
SLIPS = 0.25     # of other spellings, those that are a slip of the finger: assumed


def key(text):
    """As `extended` leaves what is met here."""
    return re.sub(r"[^A-Z0-9]", "", unicodedata.normalize("NFKD", text).upper())


def rules():
    lines = (DATA / "identity/spellings.tsv").read_text(encoding="utf-8").splitlines()
    return [(re.compile(old), new) for old, new in
            (line.split("\t") for line in lines if not line.startswith("#"))]


RULES = rules()


def slip(random, text):
    at, kind, letter = random.randrange(len(text)), random.random(), random.choice("AEIOUNMKLST")
    if kind < 0.35 and len(text) > 3:
        return text[:at] + text[at + 1:]
    if kind < 0.6:
        return text[:at] + letter + text[at:]
    if kind < 0.8 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2:]
    return text[:at] + letter + text[at + 1:]


def spell(random, text):
    """Another spelling of it, by a rule or by a slip."""
    if random.random() >= SLIPS:
        for _ in range(30):
            old, new = random.choice(RULES)
            found = list(old.finditer(text))
            if not found:
                continue
            match = random.choice(found)
            other = text[:match.start()] + new + text[match.end():]
            if other != text and len(other) > 1:
                return other
    return slip(random, text)


def make_word(random, closed=False):
    """A word that sounds Congolese; closed: it may end with a consonant, as first names do."""
    word = "".join(random.choice(ONSETS) + random.choice("aeiou") for _ in range(random.choice((2, 3, 3, 4))))
    return (word + (random.choice(CODAS) if closed and random.random() < 0.6 else "")).upper()


class Law:
    """Shares that fall with the rank, as (rank + shift) to the power of -power."""

    def __init__(self, number, shift, power):
        self.sums = list(accumulate((rank + shift) ** -power for rank in range(1, number + 1)))

    def draw(self, random):
        """A rank, from 0."""
        return min(bisect(self.sums, random.random() * self.sums[-1]), len(self.sums) - 1)


class Texts:
    """Texts that are known with their shares, at most 1 together, and a long tail of which each is made when it is
    drawn first: the same one for the same name of the tail."""

    MADE = {}

    def __init__(self, known, tail, name, closed=False):
        self.known, self.names, self.sums = known, list(known), list(accumulate(known.values())) or [0.0]
        self.tail, self.name, self.closed = tail, name, closed

    def draw(self, random):
        at = random.random()
        if at < self.sums[-1] or self.tail is None:
            return self.names[min(bisect(self.sums, at), len(self.names) - 1)]
        rank = self.tail.draw(random)
        name = f"{self.name}/{rank}"
        if name not in self.MADE:
            self.MADE[name] = self.make(Random(name))
        return self.MADE[name]

    def make(self, random):
        if self.names and random.random() < VARIANTS:
            return spell(random, random.choice(self.names))
        return make_word(random, self.closed)
