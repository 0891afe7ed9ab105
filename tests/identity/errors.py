"""What a person writes at one visit, and how she answers when she is asked again. How often each thing happens, and who
says so, stands in tests/data/identity/errors.json."""

import json
from dataclasses import dataclass, field

from names import DATA, key, spell

STEPS = ["birth_year", "mother_birthplace", "first_name", "birth_day", "family_name", "birth_month", "birth_province"]
YEAR, PLACE, FIRST, DAY, FAMILY, MONTH, PROVINCE = range(7)


@dataclass
class Visit:
    said: list      # what she answers to each of STEPS, as it is written first
    plain: list     # the same by who is asked again
    meant: list     # for each, the forms that she takes for right when they are read back
    usual: dict     # {step: the one word that she picks among several}
    causes: set = field(default_factory=set)
    asked: int = 0  # how often a question came again
    chose: int = 0
    confirmed: int = 0
    code: str = None
    normalized: dict = None  # by step
    near: dict = None        # by the step that is left out, of a reader that tells it


def written(name):
    return name[:1] + name[1:].lower()


def nickname(name):
    """Lulu, Kiki."""
    vowel = next((letter for letter in name[1:] if letter in "AEIOU"), "I")
    return (name[0] + vowel) * 2


class Errors:
    def __init__(self, random, population, scenario, steady=False):
        facts = json.loads((DATA / "identity/errors.json").read_text(encoding="utf-8"))
        self.random, self.population = random, population
        self.lists = population.lists  # dice of what is chosen from a list
        self.scale = facts["scenarios"][scenario]
        self.habit = {name: row["rate"] for name, row in facts["habits"].items()}
        self.rate = {name: row["rate"] for name, row in facts["visit"].items()}
        if steady:
            self.rate["other_choice"] = 0
        self.wraps, self.patience = facts["wraps"], facts["patience"]
        self.round_days, self.question = facts["round_days"], facts["question"]

    def happens(self, name, visit, random=None):
        scale = min(1, self.scale) if name == "post_name_today" else self.scale
        if (random or self.random).random() >= self.rate[name] * scale:
            return False
        visit.causes.add(name)
        return True

    def has(self, habit):
        return self.random.random() < self.habit[habit]

    def habits(self, person):
        """What she does at every visit; her day and year, when she does not know them."""
        post = self.random.random()
        habits = {"post_name"} if post < self.habit["post_name"] else \
            {"post_name_at_times"} if post < self.habit["post_name"] + self.habit["post_name_at_times"] else set()
        if person.two_names or self.has("second_first_name"):
            habits.add("second_first_name")
            if self.has("writes_both"):
                habits.add("writes_both")
        if self.has("vague_day"):
            habits.add("vague_day")
            person.day = self.random.choice(self.round_days)
        if self.has("vague_year"):
            habits.add("vague_year")
        if self.lists.random() < self.habit["vague_month"]:
            habits.add("vague_month")
        return habits

    def wrap(self, what, text, other=""):
        groups = self.wraps[what]
        at = self.random.random() * sum(weight for weight, _ in groups)
        for weight, phrases in groups:
            at -= weight
            if at < 0:
                break
        return self.random.choice(phrases).replace("@", text).replace("+", other)

    def visit(self, person, habits):
        visit = Visit([""] * len(STEPS), [""] * len(STEPS), [set() for _ in STEPS], {})
        self.answer(visit, YEAR, str(self.year(person, habits, visit)))
        self.answer(visit, DAY, str(self.day(person, habits, visit)))
        self.say_place(person, visit)
        first, family = person.first_name, person.family_name
        if self.happens("names_swapped", visit):
            first, family = family, first
        self.say_first_name(person, first, habits, visit)
        self.say_family_name(person, family, habits, visit)
        self.choose_from_lists(person, habits, visit)
        return visit

    @staticmethod
    def answer(visit, step, plain, said=None):
        visit.plain[step] = plain
        visit.said[step] = plain if said is None else said
        visit.meant[step].add(key(plain))

    def year(self, person, habits, visit):
        year = person.year
        if "vague_year" in habits and self.happens("year_redrawn", visit):
            year += self.random.choice((-2, -1, 1, 2))
        if self.happens("year_slip", visit):
            year += self.random.choice((-10, 10, 1, -1))
        return min(year, self.population.facts["births"]["now"])

    def day(self, person, habits, visit):
        day = person.day
        if "vague_day" in habits and self.happens("day_redrawn", visit):
            day = self.random.choice(self.round_days)
        if self.happens("day_slip", visit):
            day = min(31, max(1, day + self.random.choice((-1, 1, 10, -10))))
        return day

    def choose_from_lists(self, person, habits, visit):
        month, province = person.month, person.province
        if "vague_month" in habits and self.happens("month_redrawn", visit, self.lists):
            month = self.lists.randint(1, 12)
        if self.happens("month_slip", visit, self.lists):
            month = month % 12 + 1
        if self.happens("other_province", visit, self.lists):
            province = self.lists.choice(self.population.all_provinces)
        self.answer(visit, MONTH, str(month))
        self.answer(visit, PROVINCE, province)

    def say_place(self, person, visit):
        place = person.other_place if self.happens("level", visit) else person.place
        if self.happens("town_spelt" if place in self.population.large else "place_spelt", visit):
            place = spell(self.random, place)
        plain = said = written(place)
        if self.happens("place_wrapped", visit):
            said = self.wrap("place", plain, written(person.other_place))
        self.answer(visit, PLACE, plain, said)

    def say_name(self, step, name, second, wrap, visit):
        """One word, or two; who is asked which of them it is picks the first, as a rule."""
        one, other = written(name), written(second)
        plain = said = f"{one} {other}" if second else one
        if self.happens(wrap, visit):
            said = self.wrap(wrap.removesuffix("_wrapped"), plain)
        self.answer(visit, step, plain, said)
        visit.meant[step].add(key(one))
        visit.usual[step] = key(one)

    def say_first_name(self, person, name, habits, visit):
        called = self.happens("nickname", visit)
        if self.happens("first_name_spelt", visit):
            name = spell(self.random, name)
        both = "writes_both" in habits
        if "second_first_name" in habits and self.happens("other_count", visit):
            both = not both
        self.say_name(FIRST, name, person.second_name if both else "", "first_name_wrapped", visit)
        if called:  # who is asked again gives her name
            visit.said[FIRST] = visit.said[FIRST].replace(written(name), written(nickname(name)), 1)
            visit.meant[FIRST].add(key(visit.said[FIRST]))
            visit.usual[FIRST] = nickname(name)

    def say_family_name(self, person, name, habits, visit):
        if self.happens("post_name_alone", visit):
            name = person.post_name
        if self.happens("family_name_spelt", visit):
            name = spell(self.random, name)
        both = "post_name" in habits or ("post_name_at_times" in habits and self.happens("post_name_today", visit))
        self.say_name(FAMILY, name, person.post_name if both else "", "family_name_wrapped", visit)

    # and then

    def is_asked(self, visit, step):
        """The question comes again; False when she has had enough."""
        visit.asked += 1
        visit.said[step] = visit.plain[step]
        return visit.asked <= self.patience

    def chooses(self, visit, step, choices):
        visit.chose += 1
        picked = visit.usual.get(step)
        if picked not in map(key, choices):
            picked = choices[0]
        if self.happens("other_choice", visit):
            picked = self.random.choice([choice for choice in choices if key(choice) != key(picked)] or choices)
        # What was chosen stands for all that follows.
        visit.said[step] = visit.plain[step] = next(choice for choice in choices if key(choice) == key(picked))
        visit.meant[step] = {key(picked)}

    def corrects(self, visit, step, is_hers):
        """Whether she sees that an answer which is read back is not hers; then she writes it plainly."""
        if is_hers or visit.said[step] == visit.plain[step] or \
                self.random.random() < self.rate["mistake_missed"]:
            return False
        visit.said[step] = visit.plain[step]
        return True
