"""The runs: people who come twice, twins, and families on one phone."""

from collections import Counter
from dataclasses import dataclass
from random import Random

import question
from errors import STEPS, Errors
from population import Population
from programs import register
from question import Asked


@dataclass
class Returns:
    """Of people who came twice."""
    people: int
    same: int
    without: int      # one of the two visits ended without a code
    differs: Counter  # by step, as one of STEPS
    causes: Counter   # of those who got another code
    asked: float      # of visits: a question came again, was to be chosen, answers were read back
    chose: float
    confirmed: float
    question: Asked = None

    @property
    def rate(self):
        return self.same / self.people


def come_twice(seed, scenario, reader, people, steady=False):
    random = Random(seed)
    population = Population(random, seed)
    errors = Errors(random, population, scenario, steady)
    pairs = []
    for _ in range(people):
        person = population.person()
        habits = errors.habits(person)
        pairs.append((errors.visit(person, habits), errors.visit(person, habits)))
    # Reactions have dice of their own, so that all readers meet the same people.
    errors.random = Random(f"{seed}/reactions")
    visits = [visit for pair in pairs for visit in pair]
    register(errors, reader, visits)
    counted = count(pairs, visits)
    counted.question = question.come_twice(seed, errors, reader, pairs)
    return counted


def count(pairs, visits):
    counted = Returns(len(pairs), 0, 0, Counter(), Counter(), *(
        sum(bool(getattr(visit, what)) for visit in visits) / len(visits) for what in ("asked", "chose", "confirmed")))
    for one, other in pairs:
        if one.code and one.code == other.code:
            counted.same += 1
            continue
        counted.causes.update(one.causes | other.causes)
        if not one.code or not other.code:
            counted.without += 1
            continue
        counted.differs.update(STEPS[step] for step, text in one.normalized.items() if text != other.normalized[step])
    return counted


def come_together(seed, scenario, reader, groups, make):
    """(people, those who got the code of another one of their group, those who were asked for nothing whether they
    are another one): make(population) is a group."""
    random = Random(seed)
    population = Population(random, seed)
    errors = Errors(random, population, scenario)
    together = [visits_of_group(errors, make(population)) for _ in range(groups)]
    errors.random = Random(f"{seed}/reactions")
    register(errors, reader, [visit for visits in together for visit in visits])
    merged = 0
    for visits in together:
        codes = Counter(visit.code for visit in visits if visit.code)
        merged += sum(number for number in codes.values() if number > 1)
    asked = question.asked_for_nothing(reader, together) if reader.asks_near else 0
    return sum(map(len, together)), merged, asked


def visits_of_group(errors, people):
    """Of all, one after the other. Who adds the post-name adds it for all, and twins have one birthday."""
    writer, days, visits = None, {}, []
    for person in people:
        birth = person.year, person.day
        habits = errors.habits(person)
        if writer is None:
            writer = habits & {"post_name", "post_name_at_times"}
        person.day = days.setdefault(birth, person.day)
        visits.append(errors.visit(person, habits - {"post_name", "post_name_at_times"} | writer))
    return visits


