"""Who comes: people of nine regions, each with a birth, a mother's birthplace and names, and families that share one
phone. What is known of them, and where from, stands in tests/data/identity/."""

import csv
import json
import math
from bisect import bisect
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from names import DATA, Law, Texts, forms, key


@dataclass
class Person:
    region: str
    sex: int
    year: int
    day: int
    place: str
    other_place: str  # the same on another level
    family_name: str
    post_name: str
    first_name: str
    second_name: str         # a second first name, for whom has one
    two_names: bool = False  # she has one in any case
    month: int = 0
    province: str = ""


class Chances:
    """Things with their weights."""

    def __init__(self, weights):
        self.things, self.sums = list(weights), list(accumulate(weights.values()))
        self.shares = {thing: weight / self.sums[-1] for thing, weight in weights.items()}

    def draw(self, random):
        at = bisect(self.sums, random.random() * self.sums[-1])
        return self.things[min(at, len(self.things) - 1)]


def table(name):
    with (DATA / "identity" / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def spellings(kind):
    """The names of a kind in their order, each once."""
    lines = (DATA / "reading/name-variants.tsv").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line.split("\t")[1] for line in lines if line.startswith(kind + "\t")))


class Population:
    def __init__(self, random, seed=""):
        self.lists = Random(f"{seed}/lists")  # months and provinces have dice of their own
        self.facts = json.loads((DATA / "identity/population.json").read_text(encoding="utf-8"))
        self.random = random
        self.regions = Chances(self.facts["regions"]["shares"])
        self.years, self.days = self.make_years(), self.make_days()
        self.places = self.make_places()
        self.family_names = self.make_family_names()
        self.first_names = self.make_first_names()
        self.provinces = self.make_provinces()
        self.all_provinces = sorted(set().union(*(chances.things for chances in self.provinces.values())))

    def make_years(self):
        births = self.facts["births"]
        years = {}
        for age in range(births["youngest"], births["youngest"] + births["ages"]):
            year = births["now"] - age
            is_round = age > births["round_from"] and year % 5 == 0
            years[year] = math.exp(-births["decline"] * age) * (births["round_year"] if is_round else 1)
        return Chances(years)

    def make_days(self):
        rounds = dict(self.facts["births"]["round_days"])
        share = rounds.pop("share")
        # A month in twelve has 29, seven have 31, eleven have 30.
        months = {day: 1 if day <= 28 else 11.25 / 12 if day == 29 else 11 / 12 if day == 30 else 7 / 12
                  for day in range(1, 32)}
        whole = sum(months.values())
        return Chances({day: (1 - share) * month / whole + share * rounds.get(str(day), 0)
                        for day, month in months.items()})

    def make_places(self):
        facts, regions = self.facts["places"], self.facts["regions"]
        towns, zones = table("towns.tsv"), table("health-zones.tsv")
        self.large = {key(town["town"]) for town in towns if int(town["population"]) >= facts["large"]}
        villages = Law(**facts["villages"])
        places = {}
        for region in regions["shares"]:
            known = {}
            in_kinshasa = regions["born_in_kinshasa"][region]
            self.add(known, "KINSHASA", facts["town"] * in_kinshasa)
            self.add_all(known, facts["town"] * (1 - in_kinshasa),
                         {town["town"]: int(town["population"]) ** facts["town_power"] for town in towns
                          if town["region"] == region and town["town"] != "Kinshasa"})
            self.add_all(known, facts["zone"],
                         {zone["zone"]: int(zone["population"]) for zone in zones if zone["region"] == region})
            places[region] = Texts(known, villages, f"village/{region}")
        return places

    @staticmethod
    def add(known, name, share):
        known[key(name)] = known.get(key(name), 0) + share

    @classmethod
    def add_all(cls, known, share, weights):
        for name, weight in weights.items():
            cls.add(known, name, share * weight / sum(weights.values()))

    def make_provinces(self):
        """Where one was born: Kinshasa, or one of the region's."""
        regions = self.facts["regions"]
        provinces = {}
        for region, names in regions["provinces"].items():
            in_kinshasa = regions["born_in_kinshasa"][region]
            weights = {"KINSHASA": in_kinshasa}
            for name in names.split():
                weights[name] = weights.get(name, 0) + (1 - in_kinshasa) / len(names.split())
            provinces[region] = Chances(weights)
        return provinces

    def make_family_names(self):
        facts, shares = self.facts["family_names"], self.facts["regions"]["shares"]
        law, tail = facts["law"], Law(**facts["tail"])
        home = {name: region for region, names in facts["homes"].items() for name in names.split()}
        known = {region: {} for region in shares}
        for rank, name in enumerate(spellings("N"), 1):
            share = law["share"] * (rank + law["shift"]) ** -law["power"]
            for region in [home[name]] if name in home else shares:
                self.add(known[region], name, share / (shares[region] if name in home else 1))
        return {region: Texts(known[region], tail, f"family/{region}") for region in shares}

    def make_first_names(self):
        """{(sex, cohort): texts}: names come into fashion and go."""
        facts = self.facts["first_names"]
        law, tail, women = facts["law"], Law(**facts["tail"]), set(facts["female"].split())
        names = spellings("P")
        made = {}
        for sex, ours in enumerate([[name for name in names if name not in women],
                                    [name for name in names if name in women]]):
            for cohort in range(facts["cohorts"]):
                known = {}
                for rank, name in enumerate(ours, 1):
                    fashion = math.exp(facts["fashion"] * self.random.gauss(0, 1))
                    self.add(known, name, law["share"] * (rank + law["shift"]) ** -law["power"] * fashion)
                whole = max(1.0, sum(known.values()) / 0.9)
                known = {name: share / whole for name, share in known.items()}
                made[sex, cohort] = Texts(known, tail, f"first/{sex}", closed=True)
        return made

    def cohort(self, year):
        births = self.facts["births"]
        return min(self.facts["first_names"]["cohorts"] - 1, (births["now"] - births["youngest"] - year) // 10)

    def first_name(self, sex, year):
        return self.first_names[sex, max(0, self.cohort(year))].draw(self.random)

    def person(self):
        random, region = self.random, self.regions.draw(self.random)
        sex, year = int(random.random() < 0.5), self.years.draw(random)
        names, places = self.family_names[region], self.places[region]
        return Person(region, sex, year, self.days.draw(random), places.draw(random), places.draw(random),
                      names.draw(random), names.draw(random), self.first_name(sex, year),
                      self.first_name(sex, year), month=self.lists.randint(1, 12),
                      province=self.provinces[region].draw(self.lists))

    def twins(self):
        """Two of one birth; now and then their first names begin with one word, as Marie-Claire and Marie-Louise."""
        facts, random = self.facts["families"], self.random
        one = self.person()
        sex = int(random.random() < 0.5)
        other = replace(one, sex=sex, first_name=self.first_name(sex, one.year),
                        second_name=self.first_name(sex, one.year))
        if random.random() >= facts["twin_first_word"]:
            return [one, self.unlike(other, [one])]
        shared, first, second = one.first_name, one.second_name, self.first_name(one.sex, one.year)
        if random.random() < facts["twin_uses_the_shared"]:
            return [replace(one, two_names=True),
                    replace(one, second_name=second, two_names=True)]
        return [replace(one, first_name=name, second_name=shared, two_names=True) for name in (first, second)]

    def twins_apart(self):
        """Two whose first names have no word in common."""
        twins = self.twins()
        return self.twins_apart() if twins[0].two_names else twins

    def unlike(self, person, others):
        """Parents do not give one name twice, nor in two spellings."""
        while any(forms.spelling(person.first_name) == forms.spelling(other.first_name) for other in others):
            person = replace(person, first_name=self.first_name(person.sex, person.year))
        return person

    def family(self):
        """A mother, often a father, and their children of all ages, twins among them."""
        facts, births, random = self.facts["families"], self.facts["births"], self.random
        mother = replace(self.person(), sex=1, year=births["now"] - random.randint(33, 55))
        mother.first_name = self.first_name(1, mother.year)
        father = replace(self.person(), region=mother.region, sex=0, year=mother.year - random.randint(0, 8))
        father.first_name = self.first_name(0, father.year)
        children = []
        year = mother.year + random.randint(17, 22)
        one_name = random.random() < facts["one_name"]
        for _ in range(random.randint(1, facts["children"])):
            children += self.birth(mother, father, year, one_name, children)
            year += random.randint(1, 4)
        return [mother] + [father] * (random.random() < facts["father"]) + children

    def birth(self, mother, father, year, one_name, siblings):
        facts, random = self.facts["families"], self.random
        born = self.twins() if random.random() < facts["twins"] / (2 - facts["twins"]) else [self.person()]
        place, other, day = self.places[mother.region].draw(random), mother.place, born[0].day
        province = self.provinces[mother.region].draw(self.lists)
        if siblings:
            place, province = siblings[0].place, siblings[0].province
        name = father.family_name if one_name else self.family_names[mother.region].draw(random)
        return [self.unlike(replace(child, region=mother.region, year=year, day=day, place=place, other_place=other,
                                    family_name=name, province=province), siblings) for child in born]
