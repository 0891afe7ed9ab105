#!/usr/bin/env python3
"""Breaks the service while people write to it, then looks whether anything was lost, counted twice,
or answered out of turn. Exit status 1 when something was.

    scripts/fault --conversations 20000
    scripts/fault --outage 60
    scripts/fault --sentinel --conversations 5000
"""

import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import faults  # noqa: E402
from audit import Audit  # noqa: E402
from outage import outage  # noqa: E402
from people import Crowd, Provider  # noqa: E402
from stage import Stage  # noqa: E402

# Longer without anybody coming to an end is a fault of its own.
STANDSTILL_SECONDS = 90


class Standstill(Exception):
    pass


class Report:
    """A line for each kind of fault: how often, and what people noticed meanwhile."""

    NOTICED = ("told unavailable", "broken connections", "timeouts", "status 502", "status 503",
               "status 504")

    def __init__(self, crowd):
        self.crowd = crowd
        self.rows = {}
        self.before = Counter()
        self.cuts = 0

    def _noticed(self):
        both = self.crowd.counts + self.crowd.provider.counts
        return Counter({name: both[name] for name in self.NOTICED})

    def begin(self):
        self.before = self._noticed()

    def end(self, fault):
        row = self.rows.setdefault(fault.name, Counter())
        row.update(self._noticed() - self.before)
        row["times"] += 1
        self.cuts += fault.cut

    def print(self):
        print(f"{'':30} {'times':>6} {'unavailable':>12} {'broken':>8} {'timeout':>8} {'5xx':>8}")
        for name, row in self.rows.items():
            errors = sum(row[f"status {status}"] for status in (502, 503, 504))
            print(f"{name:30} {row['times']:6} {row['told unavailable']:12}"
                  f" {row['broken connections']:8} {row['timeouts']:8} {errors:8}")


def wait_for_progress(crowd, task, goal):
    """Until so many people came to an end, or all when the crowd is closing."""
    last, since = crowd.finished, time.monotonic()
    while not task.done() and crowd.finished < goal:
        time.sleep(0.02)
        if crowd.finished != last:
            last, since = crowd.finished, time.monotonic()
        if time.monotonic() - since > STANDSTILL_SECONDS:
            raise Standstill(f"nobody came to an end for {STANDSTILL_SECONDS} s")


def break_things(stage, crowd, task, options, report):
    """The faults, spread evenly over the conversations, each kind as often as the others. People come
    until both are done."""
    kinds = list(faults.SENTINEL if options.sentinel else faults.COMMON)
    if not options.sentinel:
        kinds += faults.postgres(options.pause) if stage.postgres else faults.SQLITE
    if options.only:
        kinds = [fault for fault in kinds if re.search(options.only, fault.name)]
    rng = random.Random(options.seed)
    bag = []
    for number in range(options.faults):
        bag = bag or rng.sample(kinds, len(kinds))
        goal = options.conversations * (number + 1) // (options.faults + 1)
        wait_for_progress(crowd, task, goal)
        fault = bag.pop()
        report.begin()
        fault.happen(stage, rng)
        time.sleep(0.3)
        report.end(fault)
        if options.verbose:
            print(f"{crowd.finished:6} {fault.name}", flush=True)
    wait_for_progress(crowd, task, options.conversations)
    crowd.closing = True
    wait_for_progress(crowd, task, sys.maxsize)


def play(stage, options):
    """Returns whether all is well."""
    crowd = Crowd(Provider(stage.routes()), options.seed, options.write_again)
    report = Report(crowd)
    began = time.monotonic()
    task = stage.start_task(crowd.play(options.at_once))
    standstill = None
    try:
        break_things(stage, crowd, task, options, report)
        task.result()
    except Standstill as still:
        standstill = str(still)
        crowd.wrong.append(standstill)
        task.cancel()
    seconds = time.monotonic() - began
    if standstill is None:
        stage.wait_until_settled()
        stage.start_task(crowd.much_later(stage.forget_sessions)).result()
        stage.wait_until_settled()
    audit = Audit(crowd, stage.database.records())
    report.print()
    print_totals(crowd, audit, report, seconds, stage)
    stage.on_loop(crowd.provider.close)
    return audit.good


def print_totals(crowd, audit, report, seconds, stage):
    counts = crowd.counts + crowd.provider.counts
    print()
    for name in ("conversations", "messages", "deliveries", "redelivered", "redelivered much later",
                 "delivered to both at once", "two answers at once", "conversations repeated",
                 "told unavailable", "written again by the person", "broken connections",
                 "timeouts"):
        print(f"{name:30} {counts[name]:8}")
    print(f"{'codes told':30} {audit.told:8}")
    print(f"{'counted, but told unavailable':30} {audit.unsure:8}")
    print(f"{'connections cut in mid-reply':30} "
          f"{sum(proxy.cuts for proxy in stage.proxies.values()):8}")
    if stage.file is not None:
        print(f"{'disk full by':30} {stage.file.how:>8}")
    for line in audit.lines():
        print(line)
    print(f"{counts['conversations']} conversations in {seconds:.0f} s, {report.cuts} kills and"
          f" cuts: {len(audit.lost)} lost, {len(audit.double)} double,"
          f" {len(audit.wrong)} wrong steps")


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conversations", type=int, default=500)
    parser.add_argument("--faults", type=int, help="default: one of each kind, more for many people")
    parser.add_argument("--at-once", type=int, default=64, help="people who write at the same time")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write-again", type=float, default=0.5, metavar="SHARE",
                        help="of those told unavailable; the others' messages are redelivered")
    parser.add_argument("--pause", type=float, default=10, help="longest SIGSTOP of PostgreSQL, s")
    parser.add_argument("--only", metavar="PATTERN", help="only faults whose name matches")
    parser.add_argument("--break", dest="broken",
                        choices=("event-id", "compare", "redis-memory", "commit"),
                        help="falsify something on purpose: the run must then fail")
    parser.add_argument("--outage", type=float, metavar="SECONDS",
                        help="instead of all that: PostgreSQL away for so long")
    parser.add_argument("--hang", action="store_true", help="with --outage: SIGSTOP, not stopped")
    parser.add_argument("--sentinel", nargs="?", const="as it is", choices=("as it is", "hurried"),
                        help="Redis has a replica and a sentinel; the faults are failovers")
    parser.add_argument("--replicas", type=int, default=1,
                        help="with --sentinel: SESSION_REPLICAS and OUTBOX_REPLICAS")
    parser.add_argument("--directory", type=Path, help="keep logs and data here")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args(arguments)
    if options.faults is None:
        options.faults = max(24, options.conversations // 400)
    return options


def replica_settings(options):
    if not options.sentinel:
        return {}
    return {"SESSION_REPLICAS": options.replicas, "OUTBOX_REPLICAS": options.replicas}


def main(arguments=None):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parse_options(arguments)
    if not os.access(os.environ.get("WHATSAPP_UIC", ""), os.X_OK):
        sys.stderr.write("WHATSAPP_UIC must name the program; scripts/fault does it\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="uic-fault-") as temporary:
        directory = options.directory or Path(temporary)
        shutil.rmtree(directory, ignore_errors=True)
        stage = Stage(directory.resolve(), options.database, options.broken,
                      durable=options.outage is not None, settings=replica_settings(options),
                      sentinel=options.sentinel)
        try:
            stage.start()
            good = outage(stage, options) if options.outage else play(stage, options)
        except KeyboardInterrupt:
            return 130
        finally:
            stage.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
