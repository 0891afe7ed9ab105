"""Nearly the answers of a code that this number was told: is it the same person? Asked before anything is
registered, of this number's own codes alone, three times a day at most."""

import time
from contextlib import ExitStack
from functools import partial

import meta
import pytest
from graph import Graph
from meta import Meta, text
from phone import READ_S, Phone
from processes import RedisServer, UicServer, eventually, sqlite_query
from production import PostgresServer
from test_meta_conversation import buttons_of, got
from texts import JEAN, MARIE, code_in, code_of, message

LATER = ("1986", *JEAN[1:])                   # the year is another one
SPELT = (*JEAN[:4], "Kabyla")                 # spelt otherwise
TWIN = (*JEAN[:2], "Paul", *JEAN[3:])
SWAPPED = (*JEAN[:2], JEAN[4], JEAN[3], JEAN[2])
ASKED = message("near")


def ask(phone, *people):
    """The replies to each one's last answer."""
    return [phone.say_all("Bonjour", *person) for person in people]



class Stage:
    """A server with both channels on a Redis, and the database that it writes to."""

    def __init__(self, directory, url, query, redis, graph):
        self.directory, self.query, self.redis, self.graph = directory, query, redis, graph
        self.settings = {**meta.SETTINGS, **graph.settings(), "META_MESSAGES_PER_SECOND": "0",
                         "REDIS_URL": redis.url, "DATABASE_URL": url}
        self.server = None

    def start(self, wait_for="/ready", **settings):
        self.server = UicServer(self.directory / "server", {**self.settings, **settings})
        self.server.start(wait_for)

    def records(self):
        return [tuple(map(str, row)) for row in
                self.query("SELECT uic_code, request_count FROM uic_records ORDER BY id")]

    def pairs(self):
        return [tuple(row) for row in self.query(
            "SELECT uic_code, why, said FROM uic_pairs JOIN uic_records ON id = record ORDER BY id, said")]

    def near_count(self):
        """What was answered is counted nowhere."""
        counts = self.server.counts()
        assert [name for name in counts if name.startswith("uic_near_total")] == ['uic_near_total{step="asked"}']
        return counts['uic_near_total{step="asked"}']


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def started(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    path = directory / "codes.db"
    url, query = f"sqlite:///{path}", partial(sqlite_query, path)
    with ExitStack() as stack:
        if request.param == "postgres":
            postgres = stack.enter_context(PostgresServer(directory / "postgres"))
            url, query = postgres.url, postgres.query
        redis = stack.enter_context(RedisServer(directory / "redis", durable=False))
        graph = stack.enter_context(Graph(directory / "graph"))
        stage = Stage(directory, url, query, redis, graph)
        stage.start()
        yield stage
        stage.server.stop()


@pytest.fixture
def stage(started):
    yield started
    started.query("DELETE FROM uic_records")


def test_yes_is_the_code_of_before(stage):
    before, codes = stage.near_count(), stage.server.counts()["uic_codes_total"]
    with Phone(stage.server) as phone:
        code = code_in(*ask(phone, JEAN))
        assert ask(phone, LATER) == [ASKED]
        assert phone.say(LATER[-1], sid=phone.last_sid) == ASKED
        assert stage.records() == [(code, "1")]
        assert phone.say("Oui") == message("existing_code", code=code)
        assert phone.say("Oui", sid=phone.last_sid) == message("existing_code", code=code)
    assert stage.records() == [(code, "2")]
    assert stage.pairs() == [(code, "said", "same")]
    assert stage.near_count() == before + 1
    assert stage.server.counts()["uic_codes_total"] == codes + 2
    assert "near_asked" in stage.server.log() and code not in stage.server.log()


def test_no_is_a_code_and_is_not_asked_again(stage):
    before = stage.near_count()
    with Phone(stage.server) as phone:
        code = code_in(*ask(phone, JEAN))
        assert ask(phone, SPELT) == [ASKED]
        assert phone.say("2") == message("new_code", code=code_of(SPELT))
        assert ask(phone, SPELT, JEAN) == [message("existing_code", code=code_of(SPELT)),
                                           message("existing_code", code=code)]
    assert stage.pairs() == [(code, "said", "different")]
    assert stage.near_count() == before + 1


def test_what_was_written_before_it_was_read(stage):
    with Phone(stage.server) as phone:
        code = code_in(*ask(phone, JEAN))
        assert ask(phone, LATER) == [ASKED]
        phone.hasty = True
        assert [phone.say(words) for words in ("ok", "2", "oui", "👍")] == [ASKED] * 4
        phone.hasty = False
        assert phone.say("ok") == ASKED
        assert phone.say("première fois") == ASKED
        assert stage.records() == [(code, "1")]
        assert phone.say("oui") == message("existing_code", code=code)


def test_who_is_not_asked(stage):
    with Phone(stage.server) as phone, Phone(stage.server) as stranger:
        ask(phone, JEAN)
        assert ask(phone, TWIN, MARIE) == [message("new_code", code=code_of(TWIN)),
                                           message("new_code", code=code_of(MARIE))]
        assert ask(stranger, LATER) == [message("new_code", code=code_of(LATER))]
        assert ask(phone, SWAPPED) == [ASKED]
        phone.say("STOP")


def test_three_times_a_day(stage):
    years = ("1971", "1972", "1973", "1974")
    with Phone(stage.server) as phone, Phone(stage.server) as other:
        ask(phone, JEAN), ask(other, JEAN)
        for year in years[:3]:
            assert ask(phone, (year, *JEAN[1:])) == [ASKED]
            phone.say("non")
        fourth = (years[3], *JEAN[1:])
        assert ask(phone, fourth) == [message("new_code", code=code_of(fourth))]
        assert ask(other, fourth) == [ASKED]


def test_one_is_meant_where_there_are_several(stage):
    with Phone(stage.server) as phone:
        ask(phone, JEAN)
        phone.say_all("Bonjour", *LATER, "non")
        phone.say_all("Bonjour", "1987", *JEAN[1:])
        assert phone.say("oui") in [message("existing_code", code=code_of(one)) for one in (JEAN, LATER)]


def test_the_record_is_erased_meanwhile(stage):
    with Phone(stage.server) as phone:
        ask(phone, JEAN)
        assert ask(phone, LATER) == [ASKED]
        stage.query("DELETE FROM uic_records")
        assert phone.say("oui") == message("new_code", code=code_of(LATER))
        assert phone.say("oui", sid=phone.last_sid) == message("new_code", code=code_of(LATER))
    assert [count for _, count in stage.records()] == ["1"]
    assert stage.pairs() == []


def test_a_longer_code_is_asked_about_first(stage):
    with Phone(stage.server) as phone, Phone(stage.server) as other:
        ask(phone, JEAN), ask(other, MARIE)
        stage.query(f"UPDATE uic_records SET uic_code = '{code_of(LATER)}'"
                       f" WHERE uic_code = '{code_of(MARIE)}'")
        assert ask(phone, LATER) == [ASKED]
        longer = code_in(phone.say("non"))
        assert longer[:-1] == code_of(LATER)
        assert ask(phone, LATER) == [message("existing_code", code=longer)]


def test_the_session_ends_while_it_is_asked(stage):
    with Phone(stage.server) as phone:
        code = code_in(*ask(phone, JEAN))
        assert ask(phone, LATER) == [ASKED]
        for key in stage.redis.command("KEYS", "uic:s:*"):
            stage.redis.command("DEL", key)
        assert message("expired") in phone.say("oui")
        phone.say("STOP")
    assert stage.records() == [(code, "1")]


def test_the_database_is_away_when_she_answers(stage):
    third = ("1987", *JEAN[1:])
    with Phone(stage.server) as phone, Phone(stage.server) as other:
        numbers = phone.number, other.number
        for each, person in ((phone, JEAN), (other, MARIE)):
            ask(each, person)
            assert ask(each, ("1986", *person[1:])) == [ASKED]
    stage.server.stop()
    stage.start("/health", DATABASE_URL="postgresql://uic@127.0.0.1:1/uic")
    with Phone(stage.server, numbers[0]) as phone, Phone(stage.server, numbers[1]) as other:
        phone.reading = True
        assert phone.say("oui") == message("existing_code", code=code_of(JEAN))
        assert other.say("non") == message("new_code", code=code_of(("1986", *MARIE[1:])))
        # What is near is not known without the database, so it is not asked.
        assert ask(phone, third) == [message("new_code", code=code_of(third))]
    stage.server.stop()
    stage.start()
    eventually(lambda: stage.redis.command("XLEN", "uic:outbox") == ["0"], "the outbox is written")
    assert stage.redis.command("XLEN", "uic:outbox:refused") == ["0"]
    assert stage.pairs() == [(code_of(JEAN), "said", "same"), (code_of(MARIE), "said", "different")]
    assert dict(stage.records()) == {code_of(JEAN): "2", code_of(MARIE): "1", code_of(third): "1",
                                     code_of(("1986", *MARIE[1:])): "1"}


def test_words_that_were_sent_before_it_was_shown(stage):
    """Both were held up on their way, and come together."""
    graph, number, now = stage.graph, meta.new_number(), time.time()
    with Meta(stage.server) as sender:
        said = ["Bonjour", *JEAN, "Bonjour", *LATER[:-1]]
        for count, words in enumerate(said, 1):
            sender.say(text(number, words, at=now - 200 + count))
            got(graph, number, count)
        sender.say(text(number, LATER[-1], at=now - 100))
        assert got(graph, number, len(said) + 1)[-1] == ASKED
        time.sleep(READ_S)
        sender.say(text(number, "oui", at=now - 60))
        assert got(graph, number, len(said) + 2)[-1] == ASKED
        time.sleep(READ_S)
        sender.say(text(number, "oui", at=time.time()))
        assert got(graph, number, len(said) + 3)[-1] == message("existing_code", code=code_of(JEAN))


def test_buttons_and_a_swiped_answer(stage):
    graph, number = stage.graph, meta.new_number()
    with Meta(stage.server) as sender:
        said = ["Bonjour", *JEAN, "Bonjour", *LATER]
        for count, words in enumerate(said, 1):
            sender.say(text(number, words))
            got(graph, number, count)
        assert graph.got[number][-1] == ASKED
        buttons = buttons_of(graph, number, len(said) - 1)
        assert list(buttons) == ["Oui, la même", "Non, une autre"]
        sender.say(meta.button(number, "~00000000:1", "Oui, la même"))
        assert message("answered") in got(graph, number, len(said) + 1)[-1]
        sender.say(meta.button(number, buttons["Oui, la même"], "Oui, la même"))
        assert got(graph, number, len(said) + 2)[-1] == message("existing_code", code=code_of(JEAN))
