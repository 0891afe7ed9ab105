#!/usr/bin/env python3
"""A million numbers sealed and opened again, each killed twice on the way; equal at the end.

    WHATSAPP_UIC=build/release/whatsapp-uic tests/checks/phones_check.py [--numbers N] [sqlite|postgres]...

In a database of its own. Its short form is in tests/e2e/test_phones.py."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import numbers_moved  # noqa: E402
from production import PostgresServer  # noqa: E402


def check(numbers, folder, count):
    begun = time.monotonic()

    def report(what):
        print(f"{time.monotonic() - begun:8.1f} s  {what}", flush=True)

    numbers_moved.prepare(numbers, folder)
    numbers.fill(count)
    report(f"{numbers.url.partition(':')[0]}: {count} numbers")
    numbers_moved.play(numbers, folder, report)
    report("equal")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("databases", nargs="*", default=["sqlite", "postgres"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if "sqlite" in given.databases:
            check(numbers_moved.SqliteNumbers(folder / "numbers.db"), folder, given.numbers)
        if "postgres" in given.databases:
            with PostgresServer(folder / "postgres") as server:
                check(numbers_moved.PostgresNumbers(server, "numbers"), folder, given.numbers)


main()
