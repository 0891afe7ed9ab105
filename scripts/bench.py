"""scripts/bench: how fast the server is on this machine.

Each case starts a server (or the floor: evhttp and nothing else) with empty private stores, lets the
load driver play conversations against it, and stops it. Rounds go over all cases, so that what
disturbs the machine for a while disturbs them alike; the table has the median of the rounds."""

import argparse
import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/load"))
import parts  # noqa: E402
import report  # noqa: E402
from stage import (Database, Floor, RedisServer, allow_many_descriptors, cpu_seconds,  # noqa: E402
                   load, resident_bytes, start_server)

OUT = ROOT / "build/bench"


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured. stores: "" is the floor."""
    stores: str
    workers: int
    connections: int
    signed: bool = False
    rate: int = 0      # messages a second, 0: as many as go
    seconds: int = 0   # 0: as the options say
    rows: int = 0      # records that are there before
    sessions: int = 0  # conversations that are open before
    phones: int = 0    # on each of which one after another is registered; 0: all have one

    @property
    def name(self):
        parts = [self.stores or "floor", f"{self.workers}w", f"{self.connections}c"]
        parts += ["signed"] * self.signed
        parts += [f"{self.rate}/s"] * bool(self.rate)
        parts += [f"{self.rows // 1000000}M-rows"] * bool(self.rows)
        parts += [f"{self.sessions // 1000000}M-sessions"] * bool(self.sessions)
        parts += [f"{self.phones}-phones"] * bool(self.phones)
        return "-".join(parts)


def all_cases():
    grid = [(workers, connections) for workers in (1, 2) for connections in (64, 256)]
    for stores in ("", "memory+sqlite", "redis+sqlite", "redis+postgres"):
        for workers, connections in grid:
            yield Case(stores, workers, connections)
    yield Case("", 2, 2000)
    yield Case("redis+postgres", 2, 2000)
    yield Case("redis+postgres", 2, 256, signed=True)
    yield Case("redis+postgres", 2, 256, rate=8100, seconds=60)
    yield Case("redis+postgres", 2, 256, sessions=1_000_000)
    yield Case("redis+postgres", 2, 64, phones=1024)
    yield Case("redis+postgres", 2, 256, rows=10_000_000)


class Bench:
    """The stores that live as long as the bench, and one run of a case."""

    def __init__(self, options):
        self.options = options
        self.directory = OUT / "work"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.databases = {}
        self.run_number = 0

    def database(self, rows):
        """The one with so many rows; before each run emptied if there are to be none, else warm."""
        if rows not in self.databases:
            database = Database(self.directory / f"postgres-{rows}")
            self.databases[rows] = database
            database.start()
            if rows:
                database.fill(rows)
        if rows == 0:
            self.databases[rows].empty()
        else:
            self.databases[rows].warm()
        return self.databases[rows]

    def close(self):
        for database in self.databases.values():
            database.remove()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, case):
        """One run; what it gave, as a dictionary."""
        self.run_number += 1
        directory = self.directory / f"run-{self.run_number}"
        redis = postgres = None
        try:
            if "redis" in case.stores:
                redis = RedisServer(directory / "redis", durable=False)
                redis.start()
            if "postgres" in case.stores:
                postgres = self.database(case.rows)
            if case.stores:
                server = start_server(directory / "server", case.workers, redis, postgres,
                                      case.signed, case.connections, many_each=case.phones > 0)
            else:
                server = Floor(directory / "floor", case.workers)
                server.start()
            try:
                return self.measure(case, server, redis, postgres)
            finally:
                server.stop()
        finally:
            if redis:
                redis.stop()
            shutil.rmtree(directory, ignore_errors=True)

    def measure(self, case, server, redis, postgres):
        parts = {"server": server, "redis": redis, "postgres": postgres}
        parts = {name: process for name, process in parts.items() if process}
        if case.sessions:
            load(server.url, "--connections", 256, "--conversations", case.sessions, "--turns", 1,
                 "--plain", "--run", 9999)
        phones = ["--phones", case.phones] if case.phones else []
        if case.phones:  # a hundred were registered on each
            load(server.url, "--connections", case.connections, "--conversations", 100 * case.phones,
                 "--plain", "--run", 9999, *phones)
        before = {name: cpu_seconds(process) for name, process in parts.items()}
        options = [*phones, "--connections", case.connections, "--rate", case.rate, "--run",
                   self.run_number, "--seconds", case.seconds or self.options.seconds]
        result = load(server.url, *options, signed=case.signed, **{} if case.stores else {"salt": ""})
        for name, process in parts.items():
            result[f"{name}_cpu_us"] = (cpu_seconds(process) - before[name]) * 1e6 / result["sent"]
        result["server_bytes"] = resident_bytes(server)
        if redis:
            result["session_bytes"] = session_bytes(redis)
        return result


def session_bytes(redis):
    """What an open session takes in Redis: the mean of some."""
    names = redis.command("--scan", "--pattern", "uic:s:*")[:200]
    sizes = [int(redis.command("MEMORY", "USAGE", name, "SAMPLES", "0")[0]) for name in names]
    return sum(sizes) / len(sizes) if sizes else 0


def measure_memory(directory):
    """Bytes of an idle server, and of each connection that is open and has been used."""
    redis = RedisServer(directory / "redis", durable=False)
    redis.start()
    server = start_server(directory / "server", 2, redis, connections=2000)
    connections = []
    try:
        idle = resident_bytes(server)
        for _ in range(1000):
            connection = server.connect()
            connection.request("GET", "/health")
            connection.getresponse().read()
            connections.append(connection)
        return {"idle_bytes": idle,
                "connection_bytes": (resident_bytes(server) - idle) / len(connections)}
    finally:
        for connection in connections:
            connection.close()
        server.stop()
        redis.stop()


def run_yardstick(command):
    """Another program's figure: the last rps=NUMBER that the command prints."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    figures = re.findall(r"\brps=(\d+(?:\.\d+)?)(?=\s)", done.stdout)
    if not figures:
        sys.exit(f"the yardstick printed no rps=NUMBER:\n{done.stdout}{done.stderr}")
    return {"webhooks_per_second": float(figures[-1])}


def run_against(options):
    """Another server with the same webhook: nothing is started, and replies are not looked at."""
    runs = [load(options.against, "--connections", options.connections, "--seconds",
                 options.seconds, "--rate", options.rate, "--run", number + 1, "--warm", 300,
                 salt="")
            for number in range(options.rounds)]
    return {f"{options.against} {options.connections}c": runs}


def run_all(options):
    cases = list(all_cases())
    if options.case:
        cases = [case for case in cases if any(part == case.name or re.fullmatch(part, case.name)
                                               for part in options.case)]
        if not cases:
            sys.exit("no such case; --list names them")
    elif options.quick:
        cases = [case for case in cases if case.workers == 2 and case.connections == 256
                 and not case.rows and not case.sessions]
    if options.list:
        print("\n".join(case.name for case in cases))
        sys.exit()
    if options.quick:
        cases = [dataclasses.replace(case, seconds=min(case.seconds, 10)) for case in cases]
    # The one that fills a disk comes last, and its rows go with it.
    results = {case.name: [] for case in cases}
    bench = Bench(options)
    try:
        memory = measure_memory(bench.directory / "memory")
        for number in range(options.rounds):
            for name, command in options.yardstick:
                results.setdefault(report.YARDSTICK + name, []).append(run_yardstick(command))
            for case in cases:
                print(f"round {number + 1}: {case.name}", file=sys.stderr)
                result = bench.run(case)
                results[case.name].append(result)
                print(f"  {result['webhooks_per_second']:.0f} a second, {result['errors']} errors,"
                      f" {result['wrong_replies']} wrong replies", file=sys.stderr)
    finally:
        bench.close()
    return results | {"memory": [memory]}


def parse_options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n")[0])
    parser.add_argument("--case", action="append", metavar="NAME", help="only these (or patterns)")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--quick", action="store_true", help="the main cases, once, for 4 seconds")
    parser.add_argument("--rounds", type=int, help="how often each case is run (3)")
    parser.add_argument("--seconds", type=float, help="how long each run is measured (10)")
    parser.add_argument("--against", metavar="URL", help="drive another server that is running")
    parser.add_argument("--connections", type=int, default=64, help="with --against (64)")
    parser.add_argument("--rate", type=float, default=0, help="with --against: messages a second")
    parser.add_argument("--yardstick", nargs=2, metavar=("NAME", "COMMAND"), action="append",
                        default=[],
                        help="a program to run beside, in each round, that prints rps=NUMBER")
    parser.add_argument("--profile", action="store_true",
                        help="count instructions by part instead, with valgrind")
    parser.add_argument("--functions", type=int, default=0, metavar="N",
                        help="with --profile: name the N costliest functions, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (4 if options.quick else 10)
    return options


def main():
    options = parse_options()
    allow_many_descriptors()
    if options.profile:
        print(parts.run(OUT / "work", functions=options.functions))
        return 0
    results = run_against(options) if options.against else run_all(options)
    OUT.mkdir(parents=True, exist_ok=True)
    table = report.render(results)
    (OUT / "results.json").write_text(json.dumps(results, indent=1))
    (OUT / "report.md").write_text(table)
    print(table)
    wrong = sum(run.get("errors", 0) + run.get("wrong_replies", 0)
                for runs in results.values() for run in runs)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
