"""Promise 9, a stranger learns nothing: what others registered changes no byte of what a number is
told. Random scripts are played from fresh numbers in two worlds, an empty one and one where others
played the same scripts before, and some do so again meanwhile; the answers must be the same bytes."""

import hashlib
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import meta
import pytest
from graph import Graph
from phone import READ_S, Phone, twilio_form
from processes import RedisServer, UicServer, eventually
from production import PostgresServer
from stranger import (ACTS, BOTH, MESSAGES_MAX, NUMBER, OTHER_ID, USER_ID, Again, Photo, Read,
                      Show, write_script)
from texts import FLOW, JEAN, message

SCRIPTS = 200  # through each channel
HANDS = 8      # that write at once


class Sqlite:
    """A file; away while its folder has another name."""

    def __init__(self, folder):
        self.folder = folder
        self.url = f"sqlite:///{folder}/records.db"
        folder.mkdir()

    def leave(self):
        self.folder.rename(f"{self.folder}-away")

    def come_back(self):
        self.folder.with_name(f"{self.folder.name}-away").rename(self.folder)


class Postgres:
    """A database of a server; away while nobody may connect to it."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        server.query(f"CREATE DATABASE {name}", "postgres")
        self.url = server.url.replace(f"/{server.NAME}?", f"/{name}?")

    def leave(self):
        self.server.query(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false", "postgres")
        self.server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                          f" WHERE datname = '{self.name}'", "postgres")

    def come_back(self):
        self.server.query(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true", "postgres")


class World:
    """Two instances on a Redis and a database of their own, in which each keeps numbers in another form."""

    def __init__(self, directory, database, graph):
        self.database, self.graph = database, graph
        self.redis = RedisServer(directory / "redis", durable=False)
        self.servers = []
        self.directory = directory

    def start(self):
        self.redis.start()
        settings = {**meta.SETTINGS, **self.graph.settings(), "META_MESSAGES_PER_SECOND": "0",
                    "REDIS_URL": self.redis.url, "DATABASE_URL": self.database.url, "WORKERS": "1",
                    "SESSION_TIMEOUT_MINUTES": "1440"}
        for name, mode in (("left", "clear"), ("right", "sealed")):
            self.servers.append(UicServer(self.directory / name, {**settings, "PHONE_NUMBERS": mode}))
            self.servers[-1].start()

    def stop(self):
        for server in self.servers:
            server.stop()
        self.redis.stop()

    def lose_database(self):
        """Until all know it: somebody else asks for a code and gets it from the outbox."""
        self.database.leave()
        for index, server in enumerate(self.servers):
            with Phone(server, f"+24380000000{index}") as phone:
                phone.say_all("Bonjour", *JEAN)
            eventually(lambda s=server: s.status_of("/ready") == 503, "the loss is known")

    def get_database_back(self):
        """Until what was told without it is written."""
        self.database.come_back()
        for server in self.servers:
            eventually(lambda s=server: s.answers("/ready"), "the return is known")
        eventually(lambda: self.redis.command("XLEN", "uic:outbox") == ["0"], "the outbox is written")
        assert self.redis.command("XLEN", "uic:outbox:refused") == ["0"]

    def wait_for_replies(self):
        eventually(lambda: meta.waiting(self.redis) == 0, "Meta has all replies")


class Player:
    """One number that plays a script in a world; `told` is every byte that it was answered."""

    channel = None

    def __init__(self, world, seed, number):
        self.world, self.seed, self.number = world, seed, number
        self.sent = []  # what can be sent again
        self.told = []
        self.shows = NUMBER
        self.ids = {BOTH: f"CD.{number[1:]}", USER_ID: f"CD.{number[1:]}", OTHER_ID: f"CD.{number[1:]}2"}

    def play(self, steps):
        """On both instances in turn, one message after the other."""
        links = [self.connect(server) for server in self.world.servers]
        for step in steps:
            if isinstance(step, Show):
                self.shows = step.who
                continue
            if isinstance(step, Read):
                time.sleep(READ_S)
                continue
            if isinstance(step, Again):
                said = self.sent[step.index]
            else:
                name = f"{self.channel} {self.number} {len(self.sent)}"
                said = (hashlib.md5(name.encode()).hexdigest(), step, self.shows)
            self.sent.append(said)
            self.send(links[len(self.sent) % len(links)], *said)
        for link in links:
            link.connection.close()


class TwilioPlayer(Player):
    channel = "Twilio"

    def connect(self, server):
        return Phone(server, self.number)

    def send(self, phone, name, step, shows):
        photo = isinstance(step, Photo)
        form = twilio_form(None if shows == USER_ID else self.number, "" if photo else step.text,
                           "SM" + name, media=int(photo), user_id=self.ids.get(shows))
        status, headers, body = phone.post(urlencode(form))
        assert status == 200
        told = sorted(f"{key}: {value}" for key, value in headers.items() if key != "Date")
        self.told.append("\n".join([*told, body.decode()]))


class MetaPlayer(Player):
    """What it was told comes from the Graph API, at the end of each act."""

    channel = "Meta"

    def connect(self, server):
        return meta.Meta(server)

    def send(self, link, name, step, shows):
        message = meta.text(self.number[1:], getattr(step, "text", ""), "wamid." + name)
        if shows != NUMBER:
            message = meta.said_as(message, self.ids[shows], hidden=shows == USER_ID)
        if isinstance(step, Photo):
            message = {key: value for key, value in message.items() if key != "text"}
            message |= {"type": "image", "image": {"mime_type": "image/jpeg", "sha256": "x", "id": "1"}}
        link.say(message)

    def listen(self):
        """What a number got under several user ids has no order between them."""
        names = (self.number[1:], *dict.fromkeys(self.ids.values()))
        told = [[json.dumps(said, ensure_ascii=False) for said in self.world.graph.messages[name]]
                for name in names]
        is_several = any(isinstance(step, Show) for act in write_script(self.seed) for step in act)
        self.told = sum(map(sorted, told), []) if is_several else told[0]


CHANNELS = (TwilioPlayer, MetaPlayer)


def cast(world, who):
    """Players of all scripts through both channels: the stranger, or somebody of the others, who all
    write as Twilio forwards them."""
    players = []
    for place, channel in enumerate(CHANNELS):
        for number in range(SCRIPTS):
            kind = channel if who == "stranger" else TwilioPlayer
            seed = place * SCRIPTS + number
            digit = {"stranger": 1, "before": 2, "between": 3}[who]
            players.append(kind(world, seed, f"+24381{digit}{seed:06}"))
    return players


def perform(players, act):
    """An act of all, or all acts."""
    scripts = [write_script(player.seed) for player in players]
    steps = [sum(script, []) if act is None else script[act] for script in scripts]
    with ThreadPoolExecutor(HANDS) as pool:
        for done in [pool.submit(player.play, own) for player, own in zip(players, steps)]:
            done.result()


def compare(alone, crowded):
    """Fails at the first script that was answered otherwise, with all of it."""
    for one, other in zip(alone, crowded):
        if isinstance(one, MetaPlayer):
            one.listen()
            other.listen()
        if one.told == other.told:
            continue
        first = next((i for i, pair in enumerate(zip(one.told, other.told)) if pair[0] != pair[1]),
                     min(len(one.told), len(other.told)))
        raise AssertionError(
            f"script {one.seed} through {one.channel}, reply {first}: a stranger is told otherwise\n"
            f"script: {write_script(one.seed)}\nalone: {one.told[first:first + 1]}\n"
            f"crowded: {other.told[first:first + 1]}")


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request, tmp_path):
    """One for each world."""
    if request.param == "sqlite":
        yield [Sqlite(tmp_path / name) for name in ("few", "many")]
        return
    with PostgresServer(tmp_path / "postgres") as server:
        yield [Postgres(server, name) for name in ("alone", "crowded")]


@pytest.fixture
def worlds(tmp_path, databases):
    started, graphs = [], []
    for name, database in zip(("alone", "crowd"), databases):
        graphs.append(Graph(tmp_path / f"{name}-graph"))
        graphs[-1].start()
        started.append(World(tmp_path / name, database, graphs[-1]))
        started[-1].start()
    yield started
    for world in started:
        world.stop()
    for graph in graphs:
        graph.stop()
        assert not graph.refused, graph.refused


def test_a_stranger_learns_nothing(worlds):
    alone, crowded = cast(worlds[0], "stranger"), cast(worlds[1], "stranger")
    perform(cast(worlds[1], "before"), None)
    for act in range(ACTS):
        if act == 1:
            perform(cast(worlds[1], "between")[::4], None)
        for world in worlds[:act % 2 * len(worlds)]:
            world.lose_database()
        perform(alone, act)
        perform(crowded, act)
        for world in worlds:
            if act % 2:
                world.get_database_back()
            world.wait_for_replies()
    compare(alone, crowded)
    # The scripts do what they are for: both kinds of reply were there to be told apart.
    told = "".join("".join(player.told) for player in alone)
    for kind in ("new_code", "existing_code", "review", "correct", "near"):
        assert message(kind, code="", answers="").split("\n")[0] in told, kind
    assert FLOW["steps"][4]["which"]["fr"].split("\n")[0] in told


def most_of_one(steps):
    """The messages of a script that show one and the same."""
    counts, shows = Counter(), NUMBER
    for step in steps:
        if isinstance(step, Show):
            shows = USER_ID if step.who == BOTH else step.who
        elif not isinstance(step, Read):
            counts[shows] += 1
    return max(counts.values())


def test_scripts_are_the_same_each_time():
    assert [write_script(seed) for seed in range(50)] == [write_script(seed) for seed in range(50)]
    lengths = [most_of_one(sum(write_script(seed), [])) for seed in range(2 * SCRIPTS)]
    assert max(lengths) <= MESSAGES_MAX and min(lengths) > 0
