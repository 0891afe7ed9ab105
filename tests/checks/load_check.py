#!/usr/bin/env python3
"""Plays whole conversations against a running server at once, and checks every reply, every code
(computed here a second time) and, with --database, every record. For measuring and for correctness:

    tests/checks/load_check.py --port 8000 --salt "$UIC_SALT" --database uic_database.db

A conversation is a greeting and five answers; some persons also answer wrongly, are delivered twice
by the provider, or were registered before by somebody else. Exit status 1 when anything is wrong.
"""

import argparse
import asyncio
import os
import secrets
import sqlite3
import sys
import time
from collections import Counter
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from texts import PLACES, code_in, code_of, message, name_of, question  # noqa: E402
from verdict import exit_status  # noqa: E402



class Person:
    """One conversation: who it is, and what happens on the way. `run` makes the numbers and names
    of this run differ from those of earlier runs against the same database."""

    def __init__(self, index, run):
        # Every tenth has the answers of the one before: a person registered from another number.
        identity = index - 1 if index % 10 == 9 else index
        self.number = f"+2438{run % 1000:03}{index:07}"
        self.answers = (str(1930 + identity % 90), PLACES[identity % 8], name_of(identity + 256),
                        f"{1 + identity % 28:02}", name_of(run + 256) + name_of(identity + 16))
        self.code = code_of(self.answers, Person.salt)
        self.wrong_at = index % 5 if index % 7 == 3 else None
        self.redelivered_at = index % 6 if index % 4 == 1 else None

    def messages(self):
        """(text, what the reply must hold, whether it is delivered twice), in order."""
        texts = ("Bonjour", *self.answers)
        expected = [message("welcome"), *(question(step) for step in range(1, 5)), self.code]
        for index, text in enumerate(texts):
            if self.wrong_at is not None and index == self.wrong_at + 1:
                yield "?!", question(index - 1), False
            yield text, expected[index], self.redelivered_at == index


class Connection:
    """HTTP/1.1 keep-alive with as little as it needs."""

    def __init__(self, options):
        self.options = options

    async def open(self):
        options = self.options
        self.reader, self.writer = await asyncio.open_connection(options.host, options.port)

    async def close(self):
        self.writer.close()
        await self.writer.wait_closed()

    async def say(self, number, text, sid):
        """(the reply's text, seconds it took)."""
        body = urlencode({"MessageSid": sid, "From": f"whatsapp:{number}", "Body": text,
                          "To": "whatsapp:+14155238886", "NumMedia": "0"}).encode()
        began = time.perf_counter()
        self.writer.write(
            b"POST /whatsapp/webhook HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        lengths = [line.split(":")[1] for line in lines if line.startswith("content-length:")]
        answer = await self.reader.readexactly(int(lengths[0]))
        took = time.perf_counter() - began
        status = lines[0].split()[1]
        if status != "200":
            raise AssertionError(f"status {status}: {answer[:200]!r}")
        return unescape(answer.decode().partition("<Body>")[2].partition("</Body>")[0]), took


class Load:
    def __init__(self, options):
        self.options = options
        self.times = []
        self.told = {}
        self.faults = []

    async def converse(self, connection, person):
        for text, expected, twice in person.messages():
            sid = "SM" + secrets.token_hex(16)
            reply, took = await connection.say(person.number, text, sid)
            self.times.append(took)
            if expected not in reply:
                raise AssertionError(f"expected {expected!r} in {reply!r}")
            if twice:
                again, took = await connection.say(person.number, text, sid)
                self.times.append(took)
                if again != reply:
                    raise AssertionError(f"delivered again: {again!r}, first {reply!r}")
        self.told[person.number] = code_in(reply)

    async def client(self, people):
        connection = Connection(self.options)
        await connection.open()
        for person in people:
            try:
                await self.converse(connection, person)
            except AssertionError as fault:
                self.faults.append(f"{person.number}: {fault}")
            except (OSError, EOFError) as fault:
                self.faults.append(f"{person.number}: connection lost: {fault!r}")
                return
        await connection.close()

    async def play(self, people):
        people = iter(people)
        clients = [self.client(people) for _ in range(self.options.connections)]
        await asyncio.gather(*clients)


def check_records(path, people, told):
    """The database must hold what was told, counted once for each time. Returns the faults."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    counts = dict(connection.execute("SELECT uic_code, request_count FROM uic_records"))
    connection.close()
    wanted = Counter(told[person.number] for person in people if person.number in told)
    return [f"{code}: counted {counts.get(code)}, told {times} times"
            for code, times in wanted.items() if counts.get(code) != times]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--salt", default=os.environ.get("UIC_SALT"), help="default: UIC_SALT")
    parser.add_argument("--database", help="SQLite file whose records are checked at the end")
    parser.add_argument("--conversations", type=int, default=10000)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    if not options.salt:
        parser.error("the server's salt is needed: --salt or UIC_SALT")
    if options.database and not Path(options.database).is_file():
        parser.error(f"no such database: {options.database}")
    return options


def main():
    options = parse_options()
    Person.salt = options.salt
    run = secrets.randbelow(16**4)
    people = [Person(index, run) for index in range(options.conversations)]
    load = Load(options)

    began = time.perf_counter()
    asyncio.run(load.play(people))
    seconds = time.perf_counter() - began

    faults = load.faults
    if len(load.told) + len(faults) < len(people):
        faults.append(f"{len(people) - len(load.told)} persons have no code")
    if options.database:
        faults = faults + check_records(options.database, people, load.told)
    times = sorted(load.times)
    print(f"{len(load.told)} of {len(people)} conversations, {len(times)} messages in"
          f" {seconds:.1f} s: {len(times) / seconds:.0f} messages/s")
    for percent in (50, 95, 99):
        print(f"  {percent} % within {1000 * times[len(times) * percent // 100]:.1f} ms")
    print(f"  longest {1000 * times[-1]:.1f} ms")
    return exit_status(faults)


if __name__ == "__main__":
    sys.exit(main())
