"""The question to one's own number: which registrations it finds near, who is asked, and what comes of it. And what an
administrator's list finds, by the hashes that the program itself compares."""

from dataclasses import dataclass
from random import Random

from errors import DAY, FAMILY, FIRST, PLACE, YEAR


def is_near(one, other):
    """Four of five agree, the first name among them."""
    return any(one.near[step] == other.near[step] for step in (YEAR, PLACE, DAY, FAMILY))


def is_on_the_list(reader, one, other):
    """Equal but for place, year or day, in all sounds, or in all that the code shows."""
    shown = [code.code.rpartition("-")[0] for code in (one, other)]
    return any(one.near[step] == other.near[step] for step in (YEAR, PLACE, DAY, FIRST)) or \
        (reader.name == "ciu-rdc" and shown[0] == shown[1])


@dataclass
class Asked:
    """Of people who came twice."""
    people: int
    same: int       # before anybody is asked
    found: int      # and by the question
    asked: int
    listed: int     # another code, which stands on the list
    unnoticed: int  # another code, which nobody learns of


def come_twice(seed, errors, reader, pairs):
    """pairs: two visits each, which have their codes."""
    facts, random = errors.question, Random(f"{seed}/question")
    asked = Asked(len(pairs), 0, 0, 0, 0, 0)
    for one, other in pairs:
        keeps, right = (random.random() < facts[what] for what in ("keeps_the_number", "answers_rightly"))
        if not one.code or not other.code:
            continue
        if one.code == other.code:
            asked.same += 1
            continue
        if reader.asks_near and keeps and is_near(one, other):
            asked.asked += 1
            if right:
                asked.found += 1
                continue
        if reader.asks_near and is_on_the_list(reader, one, other):
            asked.listed += 1
        else:
            asked.unnoticed += 1
    return asked


def asked_for_nothing(reader, together):
    """How many of those who are registered one after the other on one phone are asked, though none of them came
    before."""
    asked = 0
    for visits in together:
        for at, visit in enumerate(visits):
            before = [one for one in visits[:at] if one.code]
            if visit.code and all(one.code != visit.code for one in before):
                asked += any(is_near(one, visit) for one in before)
    return asked
