"""Instructions of the server for one webhook, counted by callgrind: the difference between two runs
that differ in one message of each person, so that start, end and everybody's other messages fall out.
Unlike time, this hardly depends on what else the machine does.

Whatever the machine, valgrind shows the program a processor with AVX2 and AES instructions and without
those for SHA, so hashing costs more here than it does in truth."""

import re
import shutil
from collections import defaultdict

from stage import RedisServer, UicServer, load

# What is counted: the lengths of the two runs, in messages of a person.
MESSAGES = {"middle": (2, 3), "last": (5, 6)}


class CountedServer(UicServer):
    """The server under callgrind, whose file is read when it has stopped."""

    def spawn(self, arguments, **options):
        super().spawn(["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.counts}",
                       "--quiet", *arguments], **options)

    @property
    def counts(self):
        return self.directory / "callgrind.out"


def count_run(directory, turns, people, connections, **settings):
    """The profile of a server to which so many people wrote so many messages each."""
    redis = RedisServer(directory / "redis", durable=False)
    redis.start()
    server = CountedServer(directory / "server", {"WORKERS": 1, "REDIS_URL": redis.url, **settings})
    try:
        server.start()
        result = load(f"http://127.0.0.1:{server.port}/whatsapp/webhook", "--plain", "--run", 1,
                      "--people", connections, "--connections", connections,
                      "--conversations", people, "--turns", turns)
        assert not result["errors"] and not result["wrong_replies"], result
        server.stop()
        return Profile(server.counts.read_text())
    finally:
        if server.running:
            server.kill()
        redis.stop()
        shutil.rmtree(directory, ignore_errors=True)


def count_message(directory, which, people=1000, connections=1, **settings):
    """(instructions by function, instructions by caller and callee), for one such message."""
    shorter, longer = (count_run(directory, turns, people, connections, **settings)
                       for turns in MESSAGES[which])
    return longer.minus(shorter, people)


class Profile:
    """own: instructions of each function; calls: of each pair of caller and callee, all that the
    callee did for it."""

    LINE = re.compile(r"(fn|cfn)=\((\d+)\)(?: (.*))?$")

    def __init__(self, text=""):
        self.own = defaultdict(float)
        self.calls = defaultdict(float)
        names, current, called = {}, None, None
        for line in text.splitlines():
            match = self.LINE.match(line)
            if match:
                kind, number, name = match.groups()
                names.setdefault(number, name)
                if kind == "fn":
                    current = names[number]
                else:
                    called = names[number]
            elif current and line and line[0] in "+-*0123456789":
                cost = int((line.split() + ["0"])[1])
                if called:
                    self.calls[current, called] += cost
                    called = None
                else:
                    self.own[current] += cost

    @property
    def total(self):
        """Of all threads but the one that works by the clock, however many people write."""
        return sum(self.own.values()) - self.calls["start_thread", "record_maintenance_run"]

    def minus(self, other, times):
        """What this has more than the other, divided."""
        difference = Profile()
        for ours, theirs, result in ((self.own, other.own, difference.own),
                                     (self.calls, other.calls, difference.calls)):
            for key in ours.keys() | theirs.keys():
                result[key] = (ours.get(key, 0) - theirs.get(key, 0)) / times
        return difference

    def by_part(self, part_of, rounds=60):
        """Instructions of each part. part_of(function) names the part of those that begin one; all
        others belong to the parts of their callers, in the measure in which these called them."""
        shares = defaultdict(dict)
        callers = defaultdict(list)
        for (caller, callee), cost in self.calls.items():
            if cost > 0:
                callers[callee].append((caller, cost))
        for name in self.own.keys() | callers.keys():
            if part_of(name):
                shares[name] = {part_of(name): 1.0}
        for _ in range(rounds):
            for name, who in callers.items():
                if not part_of(name):
                    shares[name] = mixture(shares, who)
        parts = defaultdict(float)
        for name, cost in self.own.items():
            for part, share in (shares[name] or {"": 1.0}).items():
                parts[part] += cost * share
        return dict(parts)


def mixture(shares, callers):
    """The parts of a function from those of its callers."""
    mixed = defaultdict(float)
    for caller, cost in callers:
        for part, share in shares[caller].items():
            mixed[part] += cost * share
    total = sum(mixed.values())
    return {part: share / total for part, share in mixed.items()} if total else {}
