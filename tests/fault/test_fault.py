"""Short runs of what scripts/fault does at length; and with something falsified on purpose the run
must say so, or it would see nothing in earnest either."""

import re

import pytest
from play import main

RESULT = re.compile(r"(\d+) lost, (\d+) double, (\d+) wrong steps$")


def run(capsys, *arguments):
    """(exit status, lost, double, wrong, all that was printed)."""
    status = main(arguments)
    told = capsys.readouterr().out
    return status, *map(int, RESULT.search(told.strip()).groups()), told


def test_nothing_is_lost_with_a_sqlite_file(capsys):
    status, *_, told = run(capsys, "--database", "sqlite", "--conversations", "600",
                           "--faults", "7", "--only", "disk|SIGSTOP|kill|silent")
    assert status == 0, told


def test_nothing_is_lost_with_postgresql(capsys):
    status, *_, told = run(capsys, "--conversations", "1000", "--faults", "7", "--pause", "4",
                           "--only", "PostgreSQL|database|backend|cut")
    assert status == 0, told


def test_nothing_is_lost_when_redis_fails_over(capsys):
    status, *_, told = run(capsys, "--sentinel", "hurried", "--conversations", "200", "--faults", "2",
                           "--only", "asked|kill")
    assert status == 0, told


@pytest.mark.parametrize("broken, at, arguments", [
    ("event-id", 1, ["--faults", "0"]),
    ("compare", 2, ["--faults", "0"]),
    ("redis-memory", 2, ["--faults", "1", "--only", "kill -9 of Redis"]),
    ("commit", 0, ["--database", "postgres", "--faults", "2", "--only", "kill -9 of PostgreSQL"]),
])
def test_what_is_falsified_is_found(capsys, broken, at, arguments):
    status, *found, told = run(capsys, "--database", "sqlite", "--conversations", "500",
                               "--write-again", "0", "--break", broken, *arguments)
    assert status == 1 and found[at] > 0, told
