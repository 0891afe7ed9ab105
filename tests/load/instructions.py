#!/usr/bin/env python3
"""Guards against getting slower unnoticed: instructions of the server for one webhook in the middle of
a conversation and for one finished conversation, compared with what instructions.txt says."""

import argparse
import platform
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import callgrind

WANTED = Path(__file__).with_name("instructions.txt")
PEOPLE = 200


def release():
    """What instructions.txt calls this system: libraries of another make take other counts."""
    names = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines()
                 if "=" in line)
    return f"{names.get('VERSION_CODENAME', '?')}-{platform.machine()}"


def wanted(system):
    """name → (instructions, tolerance in percent); the last line of a name holds."""
    found = {}
    for line in WANTED.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            where, name, count, percent = line.split()[:4]
            if where == system:
                found[name] = int(count), float(percent.rstrip("%"))
    return found


def count_all(directory):
    """One webhook alone, then all six of a conversation with its code."""
    middle = callgrind.count_message(directory, "middle", PEOPLE)
    fewer, more = (callgrind.count_run(directory, 0, people, 1) for people in (PEOPLE, 2 * PEOPLE))
    return {"webhook": middle.total, "conversation": more.minus(fewer, PEOPLE).total}


def judge(name, count, expected):
    """None, or why the count is wrong."""
    if name not in expected:
        return None
    target, percent = expected[name]
    change = 100 * (count - target) / target
    if abs(change) <= percent:
        return None
    return (f"{count:,.0f} instructions, {change:+.1f} % from {target:,}: if it is meant to be so, add"
            f" a line with the reason to {WANTED.name}")


def write_junit(path, outcomes):
    cases = "".join(f'<testcase classname="instructions" name={quoteattr(name)}>'
                    + (f"<failure message={quoteattr(fault)}/>" if fault else "")
                    + "</testcase>" for name, fault in outcomes.items())
    path.write_text(f"<testsuite>{cases}</testsuite>\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--junit", type=Path, metavar="FILE")
    options = parser.parse_args()
    system = release()
    expected = wanted(system)
    if not expected:
        print(f"{WANTED.name} has no counts for {system}: they are only printed")
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="uic-count-") as directory:
        for name, count in count_all(Path(directory) / "run").items():
            outcomes[name] = judge(name, count, expected)
            print(f"{system} {name} {count:,.0f} instructions:"
                  f" {outcomes[name] or ('as expected' if name in expected else 'not compared')}")
    if options.junit:
        write_junit(options.junit, outcomes)
    return 1 if any(outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
