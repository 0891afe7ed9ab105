"""Every clock that there is jumps by an hour, a day and ten years, forward and back again: ours on one of
two instances, Redis's, PostgreSQL's. No record goes, no message is lost, nobody else's session ends, and
what waits is told and written once. Jumps, not sleeps; each world of stores is started once. test_clocks.py
has what one clock that stays wrong does to retention."""

import itertools
import re
import time
from contextlib import ExitStack
from urllib.parse import urlencode

import meta
import pytest
from crowd import TOKEN, stats
from databases import Database
from graph import Graph
from phone import FORM, Phone, new_number
from processes import RedisServer, UicServer, WallClock, eventually, run_program, sqlite_query
from production import PostgresServer
from test_clocks import add
from texts import CODE_LINE, PLACES, code_in, code_of, message, question

HOUR, DAY, YEARS = 3600, 24 * 3600, 3652 * 24 * 3600
JUMPS = (HOUR, -HOUR, DAY, -DAY, YEARS, -YEARS)
NAMES = {HOUR: "hour", DAY: "day", YEARS: "years"}
OLD = 30  # records of ten days ago, which nobody may take for old ones
_persons = itertools.count(100)


class World:
    """Stores, a Graph API, and servers: the first has a clock of its own, as Redis and PostgreSQL have."""

    def __init__(self, stack, folder, kind):
        database, self.sessions = kind.split("+")
        folder.mkdir(parents=True, exist_ok=True)
        self.clocks, self.redis, self.postgres = {"ours": WallClock(folder / "ours")}, None, None
        settings = {**meta.SETTINGS, "ADMIN_TOKEN": TOKEN, "WORKERS": 1, "CODES_PER_DAY": 2,
                    "DATABASE_URL": f"sqlite:///{folder}/codes.db", "RETENTION_DAYS": 1825,
                    "UIC_TEST_RETENTION_SECONDS": 1}
        if database == "postgres":
            self.postgres = PostgresServer(folder / "postgres")
            self.clock("PostgreSQL's", self.postgres, self.postgres.folder / "clock")
            settings["DATABASE_URL"] = stack.enter_context(self.postgres).url
        if self.sessions == "redis":
            self.redis = RedisServer(folder / "redis")
            self.clock("Redis's", self.redis, folder / "redis-clock")
            settings["REDIS_URL"] = stack.enter_context(self.redis).url
        self.is_failing = False
        self.graph = stack.enter_context(Graph(folder / "graph", lambda *_: "503" if self.is_failing else None))
        self.settings = {**settings, **self.graph.settings(META_MESSAGES_PER_SECOND=0)}
        assert run_program("init-db", cwd=folder, **self.settings).returncode == 0
        query = self.postgres.query if self.postgres else None
        self.database = Database(settings["DATABASE_URL"], query or self.query, None)
        add(self.database, OLD, 10, "X")
        ours = self.clocks["ours"].settings()
        self.servers = [stack.enter_context(UicServer(folder / f"server{n}", {**self.settings, **more}))
                        for n, more in enumerate([ours, {}][:2 if self.redis else 1])]
        self.codes = set()  # that were told
        self.said = {}      # how many messages a number sent to Meta

    def clock(self, whose, process, path):
        self.clocks[whose] = process.clock = WallClock(path)

    def query(self, sql):
        return sqlite_query(self.database.url.removeprefix("sqlite:///"), sql)

    def records(self):
        return {code for code, in self.database.query("SELECT uic_code FROM uic_records")}

    def say(self, server, number, body):
        """By Meta."""
        self.said[number] = self.said.get(number, 0) + 1
        with meta.Meta(server) as sender:
            sender.say(meta.text(number, body))

    def got(self):
        return {number: len(self.graph.got[number]) for number in self.said}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """worlds(kind): each is made once, when it is first asked for."""
    made = {}
    with ExitStack() as stack:
        def find(kind):
            if kind not in made:
                made[kind] = World(stack, tmp_path_factory.mktemp(kind), kind)
            return made[kind]

        yield find


@pytest.fixture
def world(worlds, kind, whose):
    found = worlds(kind)
    yield found
    found.clocks[whose].shift(0)
    found.is_failing, found.said = False, found.got()


def person():
    number = next(_persons)
    name = "Kabila" + "".join(chr((107, 97)[i % 2] + int(digit)) for i, digit in enumerate(str(number)))
    return (str(1950 + number % 50), PLACES[number % 8], "Jean", str(1 + number % 28), name)


def register(world, server, *answers, number=None):
    with Phone(server, number) as phone:
        told = code_in(phone.say_all("Bonjour", *answers))
    assert told == code_of(answers)
    world.codes.add(told)


class Conversation:
    """Begun before the jump, and gone on with at the other instance."""

    def __init__(self, world):
        self.world, self.answers, self.number = world, person(), new_number()
        with Phone(world.servers[0], self.number) as phone:
            assert question(2) in phone.say_all("Bonjour", *self.answers[:2])

    def end(self, is_forgotten):
        """Redis ends with its own clock what it keeps for a time: then one is asked anew, politely."""
        world, answers = self.world, self.answers
        with Phone(world.servers[-1], self.number) as phone:
            said = phone.say(answers[2])
            if is_forgotten:
                assert question(0) in said and not CODE_LINE.search(said)
                for answer in answers[:3]:
                    said = phone.say(answer)
            assert question(3) in said, said
        with Phone(world.servers[0], self.number) as phone:
            assert question(4) in phone.say(answers[3])
            told = phone.say(answers[4])
            assert code_in(told) == code_of(answers)
            assert is_forgotten or phone.say(answers[4], sid=phone.last_sid) == told
        world.codes.add(code_of(answers))


class Visitor:
    """Somebody with a pass of the first instance."""

    def __init__(self, world):
        self.servers = world.servers
        response = self.request("POST", "/admin/login", self.servers[0], {"username": "admin", "token": TOKEN})
        self.cookie = re.search(r"uic_admin=([^;]+)", response.headers["Set-Cookie"])[0]

    def request(self, method, path, server, form=None):
        headers = {"Cookie": getattr(self, "cookie", "x=y"), **({"Content-Type": FORM} if form is not None else {})}
        connection = server.connect()
        try:
            connection.request(method, path, None if form is None else urlencode(form), headers)
            response = connection.getresponse()
            response.read()
            return response
        finally:
            connection.close()

    def is_let_in(self):
        return [self.request("GET", "/admin/stats", server).status == 200 for server in self.servers]

    def log_out(self):
        assert self.request("POST", "/admin/logout", self.servers[0], {}).status == 303


class Chatterbox:
    """Asks for more codes than are allowed, and gets none for hours, whatever a clock says."""

    def __init__(self, world):
        self.phone = Phone(world.servers[0])
        for _ in range(2):
            register(world, world.servers[0], *person(), number=self.phone.number)
        assert self.phone.say("Bonjour") == message("too_many")

    def is_silenced(self):
        return self.phone.say("Bonjour") == ""


def tell_all(world, whose):
    """Every record is there, and is counted by every instance; every reply went out, once."""
    eventually(lambda: world.codes | {f"X{n + 1}" for n in range(OLD)} == world.records(), "all records")
    total = len(world.codes) + OLD
    for server in world.servers:
        eventually(lambda server=server: stats(server)["totals"]["codes"] == total, f"{whose}: counted")
    eventually(lambda: world.got() == world.said, f"{whose}: replies {world.said} {world.got()}")
    assert not world.graph.refused


def shift(clock, whose, jump):
    clock.shift(jump)
    if whose == "Redis's":
        time.sleep(0.25)  # a busy link asks Redis for its time five times a second


@pytest.mark.parametrize("jump", JUMPS, ids=lambda jump: f"{NAMES[abs(jump)]} {'back' if jump < 0 else 'forward'}")
@pytest.mark.parametrize("kind, whose", [
    ("sqlite+memory", "ours"), ("postgres+redis", "ours"),
    ("postgres+redis", "Redis's"), ("postgres+redis", "PostgreSQL's")])
def test_a_jump_and_back(world, whose, jump):
    clock, first = world.clocks[whose], world.servers[0]
    is_forgotten = whose == "Redis's" and jump > 0
    begun, after = Conversation(world), Conversation(world)
    visitor, gone = Visitor(world), Visitor(world)
    gone.log_out()
    chatterbox = Chatterbox(world)
    waiting, late = meta.new_number(), meta.new_number()
    world.is_failing = True
    world.say(first, waiting, "Bonjour")
    world.say(world.servers[-1], waiting, "1985")

    shift(clock, whose, jump)
    begun.end(is_forgotten)
    register(world, first, *person())
    world.say(first, late, "Bonjour")
    assert chatterbox.is_silenced(), "nobody has a new day"
    assert not gone.is_let_in()[0]
    there = Visitor(world)
    assert there.is_let_in()[0]
    if whose != "ours":
        assert all(visitor.is_let_in())
    world.is_failing = False
    eventually(lambda: not any(gone.is_let_in()), "what Redis forgot it is told again")
    if whose != "ours":  # by our own, the certificate of the Graph API is not good
        eventually(lambda: world.got() == world.said, f"replies {world.said} {world.got()}")

    shift(clock, whose, 0)
    after.end(is_forgotten)
    register(world, world.servers[-1], *person())
    assert chatterbox.is_silenced() and not any(gone.is_let_in())
    assert all(visitor.is_let_in()), "nobody is logged out for good"
    assert whose != "ours" or all(there.is_let_in()) == (jump in (HOUR, -HOUR)), "no pass lasts for years"
    world.say(first, waiting, "Goma")
    tell_all(world, whose)
    log = "".join(server.log() for server in world.servers)
    assert "records_retired" not in log and first.counts()["uic_records_retired_total"] == 0


@pytest.mark.parametrize("kind, whose", [("postgres+redis", "PostgreSQL's")])
def test_what_waits_for_the_database_is_kept_whatever_a_clock_says(world):
    world.postgres.stop()
    for whose, jump in ((whose, jump) for whose in ("ours", "Redis's") for jump in JUMPS):
        shift(world.clocks[whose], whose, jump)
        for server in world.servers:
            register(world, server, *person())
        shift(world.clocks[whose], whose, 0)
    world.clocks["PostgreSQL's"].shift(YEARS)
    world.postgres.start()

    # Nor is what an instance put that is slow by days: it knows Redis's clock.
    tell_all(world, "PostgreSQL's")
    assert world.redis.command("EXISTS", "uic:outbox:refused", "uic:outbox:own") == ["0"]


@pytest.mark.parametrize("kind, whose, jump, told", [
    ("postgres+redis", "ours", YEARS, ["Redis's", "the database's"]),
    ("postgres+redis", "Redis's", -HOUR, ["Redis's"]),
    ("postgres+redis", "PostgreSQL's", HOUR, ["the database's"])])
def test_check_says_which_clocks_differ(world, tmp_path, whose, jump, told):
    shift(world.clocks[whose], whose, jump)
    done = run_program("check", cwd=tmp_path, **world.settings, **world.clocks["ours"].settings())
    assert done.returncode == 1
    assert re.findall(r"^bad +clock: ours is \d+ s (?:ahead of|behind) (.*)$", done.stdout, re.M) == told
    told = "bad   Meta: the certificate of META_GRAPH_URL is of another time than our clock's: see timedatectl"
    assert (told in done.stdout) == (whose == "ours"), done.stdout
