"""Whether a person who comes again gets the same code: scripts/identity on a few people. They are the same ones at
every run, so what changes here was changed by us; with 20,000 people the rates are about one point higher."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import PROGRAM

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/identity"))
import programs  # noqa: E402
import run  # noqa: E402
import strangers  # noqa: E402
from population import Population  # noqa: E402

SEED, PEOPLE = "1", 2000


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    return {reader.name: reader for reader in programs.readers(PROGRAM, tmp_path_factory.mktemp("identity"))}


# Without a reader: that the people, and their errors, are those whom the figures of docs/identite.md are about.
@pytest.mark.parametrize("scenario, same", [("central", 42.7), ("nurse", 73.6)])
def test_the_people_are_who_they_were(readers, scenario, same):
    before = run.come_twice(SEED, scenario, readers["plain"], PEOPLE)
    assert 100 * before.rate == pytest.approx(same, abs=0.5)


# same: before anybody is asked; found: with the question to one's own number; unnoticed: another code, of which
# nobody learns.
@pytest.mark.parametrize("definition, scenario, same, found, unnoticed", [
    ("ciu-rdc", "central", 63.5, 80, 7.5), ("ciu-rdc", "nurse", 85.5, 92, 2.5),
    ("ciu-opaque", "central", 70.5, 83.5, 8.5), ("ciu-opaque", "nurse", 88, 93.5, 3.5),
    ("ciu-province", "central", 74, 74, 26)])
def test_the_same_person_gets_the_same_code(readers, definition, scenario, same, found, unnoticed):
    now = run.come_twice(SEED, scenario, readers[definition], PEOPLE)
    assert 100 * now.rate >= same
    assert now.without <= PEOPLE * 0.005  # nobody is asked in vain
    assert now.asked <= 0.01              # few are asked again what they wrote in a sentence
    assert now.confirmed <= 0.07          # or to confirm it
    assert 100 * (now.question.same + now.question.found) / PEOPLE >= found
    assert 100 * now.question.unnoticed / PEOPLE <= unnoticed


# most: of them, who get the code of another one; asked: whether they are one who came before.
@pytest.mark.parametrize("definition", ["ciu-rdc", "ciu-opaque"])
@pytest.mark.parametrize("make, groups, most, asked", [
    (Population.twins, 500, 0.075, 0.02), (Population.twins_apart, 500, 0.015, 0.003),
    (Population.family, 300, 0.002, 0.002)])
def test_two_persons_of_one_phone_get_two_codes(readers, definition, make, groups, most, asked):
    people, merged, for_nothing = run.come_together(SEED, "central", readers[definition], groups, make)
    assert people >= 2 * groups and merged <= people * most and for_nothing <= people * asked


@pytest.mark.parametrize("definition, most", [("ciu-rdc", 0.009), ("ciu-opaque", 0.015), ("ciu-province", 0.015)])
def test_strangers_have_other_answers(readers, definition, most):
    assert 100 * strangers.strangers(SEED, readers[definition], 400, 400)[10 ** 6] <= most


def test_another_reader_can_stand_beside_ours():
    ours = f"UIC_SALT=0123456789abcdefghij '{PROGRAM}' code --jsonl --env /dev/null --flow '{programs.CIU_RDC}'"
    done = subprocess.run([sys.executable, "-B", ROOT / "tests/identity/main.py", "--people", "100",
                           "--program", PROGRAM, "--scenario", "nurse", "--reader", ours],
                          capture_output=True, encoding="utf-8", check=True)
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[3:8]}
    assert rows["other"] == rows["ciu-rdc"] != rows["plain"]
    assert "two strangers" in done.stdout
