#!/usr/bin/env python3
"""Plays conversations through Meta's channel against two instances, a Redis and a Graph API of its
own that throttles and breaks connections, and checks that each person got each reply, in order:

    WHATSAPP_UIC=build/release/whatsapp-uic tests/checks/graph_check.py --conversations 5000

--kill N kills an instance N times meanwhile, with SIGKILL, and starts it again. Exit status 1 when a
reply is lost, out of order, or sent again without a reason.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import meta  # noqa: E402
from graph import storm  # noqa: E402
from meta_stage import meta_stage  # noqa: E402
from texts import PLACES, code_of, message, name_of, question  # noqa: E402
from verdict import exit_status  # noqa: E402

# What is under way in an instance when it is killed.
OUT_MAX = 128


class Person:
    def __init__(self, index):
        self.number = f"24381{index:07}"
        answers = (str(1930 + index % 90), PLACES[index % 8], name_of(index + 256), f"{1 + index % 28:02}",
                   name_of(index + 263))
        self.texts = ("Bonjour", *answers)
        self.expected = [message("welcome"), *(question(step) for step in range(1, 5)),
                         code_of(answers)]


class Play:
    """People write each message as soon as Meta has 200 for the one before; replies come when they
    come."""

    def __init__(self, options, servers, redis, chance):
        self.options = options
        self.servers = servers
        self.redis = redis
        self.chance = chance
        self.sent_again = 0
        self.duplicates = 0

    async def post(self, body):
        """As Meta does: again and again until somebody says 200. A connection for each."""
        head = (f"POST {meta.PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"X-Hub-Signature-256: {meta.signature(body)}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n").encode()
        while True:
            server = self.chance.choice(self.servers)
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(head + body)
                answer = await asyncio.wait_for(reader.read(), 30)
                writer.close()
                if answer.startswith(b"HTTP/1.1 200"):
                    return
            except (OSError, asyncio.TimeoutError):
                pass
            self.sent_again += 1
            await asyncio.sleep(0.1)

    async def converse(self, person):
        for text in person.texts:
            body = meta.request(meta.text(person.number, text))
            posts = [self.post(body)]
            if self.chance.random() < self.options.duplicates:
                self.duplicates += 1
                posts.append(self.post(body))  # at once: maybe at the other instance
            await asyncio.gather(*posts)

    async def crowd(self, people):
        people = iter(people)

        async def one_after_another():
            for person in people:
                await self.converse(person)

        await asyncio.gather(*(one_after_another() for _ in range(self.options.at_once)))

    async def kills(self, graph, total):
        """Evenly over the replies that have come."""
        for number in range(self.options.kill):
            while sum(map(len, graph.got.values())) < total * (number + 1) / (self.options.kill + 1):
                await asyncio.sleep(0.05)
            server = self.servers[number % 2]
            server.kill()
            server.start()  # in this thread: the server dies with who started it

    async def run(self, people, graph):
        total = 6 * len(people)
        await asyncio.gather(self.crowd(people), self.kills(graph, total))
        deadline = time.monotonic() + self.options.patience
        while (sum(len(set(texts)) for texts in graph.got.values()) < total
               or meta.waiting(self.redis) > 0):  # for what should not come, too
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.1)


def faults_of(person, got):
    """(what is wrong, how many repeats)."""
    once = [text for index, text in enumerate(got) if index == 0 or got[index - 1] != text]
    wrong = []
    if len(once) != len(person.expected):
        wrong.append(f"{person.number}: {len(once)} replies, not {len(person.expected)}")
    elif not all(part in text for part, text in zip(person.expected, once)):
        wrong.append(f"{person.number}: not in order, or not what was expected")
    return wrong, len(got) - len(once)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conversations", type=int, default=5000)
    parser.add_argument("--at-once", type=int, default=200, help="conversations at a time")
    parser.add_argument("--breaks", type=float, default=0.01, help="of the calls to the Graph API")
    parser.add_argument("--throttled", type=float, default=0.05)
    parser.add_argument("--duplicates", type=float, default=0.05, help="of the messages")
    parser.add_argument("--kill", type=int, default=0, metavar="N")
    parser.add_argument("--per-second", type=int, default=0, help="META_MESSAGES_PER_SECOND")
    parser.add_argument("--patience", type=int, default=180, help="seconds, after the last message")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def check(options, directory):
    people = [Person(index) for index in range(options.conversations)]
    with meta_stage(directory, 2, storm(options.seed, options.breaks, options.throttled),
                    per_second=options.per_second) as (graph, redis, servers):
        play = Play(options, servers, redis, random.Random(options.seed))
        began = time.monotonic()
        asyncio.run(play.run(people, graph))
        seconds = time.monotonic() - began

    wrong, repeats, most = [f"refused: {refusal}" for refusal in graph.refused], 0, 0
    for person in people:
        faults, again = faults_of(person, graph.got[person.number])
        wrong += faults
        repeats += again
        most = max([most, *(graph.got[person.number].count(t) for t in graph.got[person.number])])
    allowed = graph.faults["after"] + options.kill * 2 * OUT_MAX
    if repeats > allowed:
        wrong.append(f"{repeats} repeats, of which {allowed} have a reason")
    if graph.overlaps:
        wrong.append(f"{graph.overlaps} times two messages of one person were under way")
    print(f"{len(people)} conversations, {6 * len(people)} replies in {seconds:.0f} s;"
          f" {graph.requests} calls on {graph.connections} connections, {dict(graph.faults)},"
          f" {play.duplicates} duplicates, {play.sent_again} messages sent again by Meta,"
          f" {options.kill} kills")
    print(f"{repeats} repeats ({allowed} allowed), no reply more than {most} times")
    return exit_status(wrong)


def main():
    with tempfile.TemporaryDirectory(prefix="uic-graph-") as directory:
        return check(parse_options(), Path(directory))


if __name__ == "__main__":
    sys.exit(main())
