"""How many have all answers of somebody whom they never met, as they go into the code: from the shares of births, names
and places. What share of people has a name's form is counted among people drawn for it."""

import math
from collections import Counter
from random import Random

from errors import FAMILY, FIRST, MONTH, PLACE, PROVINCE
from population import Population


class Shares:
    """Of those who are drawn: so many for each region's names and places, and each sex and age's first names."""

    def __init__(self, random, reader, drawn):
        self.random, self.reader, self.drawn, self.counts = random, reader, drawn, {}

    def share(self, step, texts, text):
        """Of the people that texts are about, who have this text's form."""
        if id(texts) not in self.counts:
            self.counts[id(texts)] = Counter(self.reader.form(step, texts.draw(self.random))
                                             for _ in range(self.drawn))
        return self.counts[id(texts)][self.reader.form(step, text)] / self.drawn


def chance_of_the_same(population, shares, person):
    """That another one has all answers of hers."""
    steps = shares.reader.steps
    chance = population.years.shares[person.year] * population.days.shares[person.day]
    chance *= sum(0.5 * shares.share(FIRST, population.first_names[sex, population.cohort(person.year)],
                                     person.first_name) for sex in (0, 1))
    if MONTH in steps:
        chance /= 12
    alike = 0
    for region, share in population.regions.shares.items():
        share *= shares.share(FAMILY, population.family_names[region], person.family_name)
        if PLACE in steps:
            share *= shares.share(PLACE, population.places[region], person.place)
        if PROVINCE in steps:
            share *= population.provinces[region].shares.get(person.province, 0)
        alike += share
    return chance * alike


def strangers(seed, reader, sample=3000, drawn=1500):
    """{people in all: share of them who have all answers of another one}"""
    population = Population(Random(seed), seed)
    people = [population.person() for _ in range(sample)]
    shares = Shares(Random(f"{seed}/shares"), reader, drawn)
    alike = [chance_of_the_same(population, shares, person) for person in people]
    return {number: sum(1 - math.exp(-number * chance) for chance in alike) / sample
            for number in (10 ** 6, 10 ** 7, 10 ** 8)}
