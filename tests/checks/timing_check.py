#!/usr/bin/env python3
"""Whether the time of an answer tells a stranger that somebody is registered: to a running server of
its own, from ever new numbers, tells the answers of people who are registered and of people who are
not, in turn, and compares how long the answers with the codes take.

    tests/checks/timing_check.py --port 8000 --pairs 2000

Prints the medians, and how often one would guess right, knowing only which of two answers took
longer: one half is no knowledge at all. Exit status 1 when it is further from one half than --margin.
"""

import argparse
import asyncio
import secrets
import statistics
import sys

from load_check import Connection

PEOPLE = 50  # registered before, of whom the strangers ask


def answers_of(name):
    return ("1985", "Kinshasa", name, "15", "Kabila")


def new_name():
    return "Na" + "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))


async def tell(connection, run, number, answers):
    """Seconds that the answer to the last of these took."""
    phone = f"+2439{run:04}{number:06}"
    for text in ("Bonjour", *answers):
        _, took = await connection.say(phone, text, "SM" + secrets.token_hex(16))
    return took


def chance(registered, new):
    """How often the longer of two answers is the new one's, over all pairs."""
    merged = sorted([(took, False) for took in registered] + [(took, True) for took in new])
    below = won = 0
    for _, is_new in merged:
        if is_new:
            won += below
        else:
            below += 1
    return won / (len(registered) * len(new))


async def measure(options):
    connection = Connection(options)
    await connection.open()
    run = secrets.randbelow(10000)
    names = [new_name() for _ in range(PEOPLE)]
    for number, name in enumerate(names):
        await tell(connection, run, number, answers_of(name))
    times = {True: [], False: []}
    for turn in range(2 * options.pairs):
        registered = turn % 2 == 0
        name = names[turn // 2 % PEOPLE] if registered else new_name()
        times[registered].append(await tell(connection, run, PEOPLE + turn, answers_of(name)))
    await connection.close()
    return times[True], times[False]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--margin", type=float, default=0.1)
    return parser.parse_args()


def main():
    options = parse_options()
    registered, new = asyncio.run(measure(options))
    for what, times in (("registered", registered), ("new", new)):
        print(f"{what}: median {1000 * statistics.median(times):.3f} ms,"
              f" of {len(times)}, quartiles "
              + " to ".join(f"{1000 * q:.3f} ms" for q in statistics.quantiles(times)[::2]))
    guess = chance(registered, new)
    print(f"the new one takes longer in {100 * guess:.1f} % of pairs")
    return 0 if abs(guess - 0.5) <= options.margin else 1


if __name__ == "__main__":
    sys.exit(main())
