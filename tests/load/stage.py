"""What a bench measures: a server of ours or the floor, with private stores, and the CPU that each of
these processes takes."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from processes import (PROGRAM, SALT, Process, RedisServer, UicServer, environment_for,  # noqa: E402, F401
                       eventually, free_port)
from production import PostgresServer, children_of  # noqa: E402

BUILD = Path(PROGRAM).parent if PROGRAM else ROOT / "build/release"
LOAD = BUILD / "whatsapp-uic-load"
FLOOR = BUILD / "whatsapp-uic-floor"
TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://ciu.example.org"
TICKS = os.sysconf("SC_CLK_TCK")

# Rows like those of the server, in no order of their codes, numbers and hashes; nobody with such a
# number writes in a bench.
FILL = """
INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at,
                         last_event_id)
SELECT upper(left(md5(n::text), 26)),
       'whatsapp:+2439' || lpad((n::bigint * 2654435761 % 100000000003)::text, 12, '0'),
       sha256(n::text::bytea), at, at, left(md5(n::text), 16)
FROM (SELECT n, now() - n * interval '1 second' AS at
      FROM generate_series({first}, {last}) AS n) AS rows
"""


class Floor(Process):
    """evhttp and nothing else, on as many threads as the server has."""

    def __init__(self, directory, workers):
        super().__init__(directory)
        self.workers = workers

    def start(self):
        self.port = free_port()
        self.spawn([FLOOR, str(self.port), str(self.workers)])
        eventually(self.listens, "the floor listens")

    def listens(self):
        return subprocess.run([LOAD, "--any-reply", "--connections", "1", "--conversations", "1",
                               self.url], capture_output=True).returncode == 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/whatsapp/webhook"

    def stop(self):
        self.kill()


class Database(PostgresServer):
    """PostgreSQL with the settings of its packages: what is committed is on the disk."""

    def __init__(self, directory):
        super().__init__(directory, {"fsync": "on", "max_wal_size": "8GB",
                                     "max_connections": "50"})

    def patient_query(self, sql, database=None):
        subprocess.run(self._psql(self.port, database or self.NAME, sql), check=True,
                       stdout=subprocess.DEVNULL)

    def empty(self):
        """A database without tables, as it was at first."""
        self.patient_query(f"DROP DATABASE IF EXISTS {self.NAME}", "postgres")
        self.patient_query(f"CREATE DATABASE {self.NAME}", "postgres")
        self.patient_query("CHECKPOINT")

    def fill(self, rows, pieces=20):
        """In pieces, so that no transaction is huge. The statistics are counted once, behind."""
        environment = environment_for(DATABASE_URL=self.url)
        subprocess.run([PROGRAM, "init-db"], check=True, env=environment, cwd=self.folder,
                       capture_output=True)
        self.patient_query("ALTER TABLE uic_records DISABLE TRIGGER USER")
        for piece in range(pieces):
            first, last = rows * piece // pieces + 1, rows * (piece + 1) // pieces
            self.patient_query(FILL.format(first=first, last=last))
            print(f"\r  {last:,} of {rows:,} rows", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        self.patient_query("ALTER TABLE uic_records ENABLE TRIGGER USER")
        self.patient_query("SELECT uic_totals_count()")
        self.patient_query("VACUUM ANALYZE uic_records")
        self.patient_query("CREATE EXTENSION pg_prewarm")
        self.patient_query("CHECKPOINT")

    def warm(self):
        """The rows and their indexes in memory, as where people write all day; what other cases did
        meanwhile may have taken them out."""
        self.patient_query("SELECT pg_prewarm(oid::regclass, 'read') FROM pg_class"
                           " WHERE relname LIKE 'uic_records%' AND relkind IN ('r', 'i')")


def allow_many_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_seconds(process):
    """Of a process and its children that live."""
    total = 0
    for pid in [process.process.pid, *children_of(process.process.pid)]:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_bytes(process):
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def start_server(directory, workers, redis=None, postgres=None, signed=False, connections=64, many_each=False):
    """A server as it is shipped but for its stores, and limits that 2,000 connections ask for; many_each: and
    that a number asks for, on which a day's people are registered in seconds."""
    settings = {"WORKERS": workers, "MAX_IN_FLIGHT": max(2000, 4 * connections)}
    if many_each:
        settings |= {"MESSAGES_PER_MINUTE": 100000, "CODES_PER_DAY": 100000}
    if redis:
        settings["REDIS_URL"] = redis.url
    if postgres:
        settings["DATABASE_URL"] = postgres.url
    if signed:
        settings |= {"TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": PUBLIC_URL}
    server = UicServer(directory, settings)
    server.start()
    server.url = f"http://127.0.0.1:{server.port}/whatsapp/webhook"
    return server


def load(url, *options, signed=False, salt=SALT):
    """Runs the load driver; what it counted. What was wrong it says itself, on stderr."""
    arguments = [LOAD, "--json", *map(str, options)]
    arguments += ["--salt", salt] if salt else ["--any-reply"]
    if signed:
        arguments += ["--token", TOKEN, "--public-url", PUBLIC_URL]
    done = subprocess.run([*arguments, url], stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        raise RuntimeError("the load driver failed")
    return json.loads(done.stdout)
