"""A reply by a swipe, on Meta: only one to our newest message is an answer to the open question, as far as
is known which that is; on any instance, with sessions in memory and in Redis."""

import time

import meta
import pytest
from graph import Graph
from meta import Meta, new_number, text
from processes import eventually, run_program
from texts import JEAN, code_in, code_of, message, question

OURS = "243900000000"


class Person:
    """Writes to servers, one after the other; what the Graph API calls its replies is known."""

    def __init__(self, graph, *servers, redis=None):
        self.graph, self.servers, self.redis = graph, servers, redis
        self.number, self.now, self.said = new_number(), int(time.time()) - 60, 0

    def is_known(self):
        """Whether our newest reply is known: each server has one worker, which counts it and notes it at
        once, or else Redis has the note."""
        if self.redis:
            (key,) = self.redis.keys("uic:replies:newest:*")
            return self.redis.command("GET", key)[0].isdigit()
        return self.servers[0].counts()['uic_replies_total{outcome="sent"}'] == self.said

    def say(self, body, **context):
        """The reply."""
        self.now += 1
        self.said += 1
        said = text(self.number, body, at=self.now)
        with Meta(self.servers[self.said % len(self.servers)]) as sender:
            sender.say({**said, "context": context} if context else said)
        eventually(lambda: len(self.graph.got[self.number]) == self.said, f"a reply to {body}")
        return self.graph.got[self.number][-1]

    def say_and_wait(self, body, **context):
        """The reply, when it is known to be our newest."""
        reply = self.say(body, **context)
        eventually(self.is_known, "the newest reply is known")
        return reply

    def ours(self, back=0):
        """What names our newest reply, or one before."""
        return {"from": OURS, "id": f"wamid.{self.number}.{self.said - back}"}


def is_open_question(reply, step):
    return message("quoted") in reply and question(step) in reply


def settings_of(graph, redis=None):
    return {**meta.SETTINGS, **graph.settings(META_MESSAGES_PER_SECOND="0"), "WORKERS": "1",
            "REDIS_URL": redis.url if redis else None}


@pytest.fixture(params=["memory", "redis", "two instances"])
def person(request, start, graph, tmp_path):
    redis = request.getfixturevalue("redis") if request.param != "memory" else None
    settings = {**settings_of(graph, redis), "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    servers = [start(**settings) for _ in range(2 if request.param == "two instances" else 1)]
    return Person(graph, *servers, redis=redis)


def test_only_a_reply_to_our_newest_message_is_an_answer(person):
    person.say_and_wait("Bonjour")
    assert question(1) in person.say_and_wait("1985", **person.ours())
    assert is_open_question(person.say_and_wait("Goma", **person.ours(back=1)), 1)
    # The question that came back is the newest now, and what it came back from is older.
    assert is_open_question(person.say_and_wait("Goma", **person.ours(back=1)), 1)
    assert question(2) in person.say_and_wait("Kinshasa", **person.ours())
    # A command is one whatever it quotes; and so is a button.
    assert message("help") in person.say_and_wait("AIDE", **person.ours(back=2))
    assert code_in([person.say_and_wait(answer, **person.ours()) for answer in JEAN[2:]][-1]) == code_of(JEAN)


def test_a_reply_to_ones_own_message_is_no_answer(person):
    person.say("Bonjour")
    person.say("1985")
    assert is_open_question(person.say("Goma", **{"from": person.number, "id": "wamid.own"}), 1)
    assert question(2) in person.say("Kinshasa")


def test_what_was_forwarded_quotes_nothing(person):
    person.say_and_wait("Bonjour")
    assert question(1) in person.say_and_wait("1985", forwarded=True)


@pytest.fixture
def unsure(tmp_path):
    """A Graph API whose answer to the second question is lost once, and comes to the other attempt."""
    with Graph(tmp_path / "graph", lambda person, text, attempt:
               "after" if question(1) in text and attempt == 1 else None) as graph:
        yield graph


def test_of_a_reply_that_came_twice_either_is_the_newest(start, unsure):
    somebody = Person(unsure, start(**settings_of(unsure)))
    somebody.say_and_wait("Bonjour")
    first = {"from": OURS, "id": f"wamid.{somebody.number}.2"}
    with Meta(somebody.servers[0]) as sender:
        sender.say(text(somebody.number, "1985", at=somebody.now + 1))
    somebody.said = 3  # replies
    eventually(lambda: len(unsure.got[somebody.number]) == 3, "the second attempt")
    assert question(2) in somebody.say("Kinshasa", **first)


def test_while_a_reply_is_on_its_way_none_is_older(start, graph, redis):
    """The person answers what there is to see, whatever we have said since."""
    somebody = Person(graph, start(**settings_of(graph, redis)), redis=redis)
    somebody.say_and_wait("Bonjour")
    seen = somebody.ours()
    graph.plan = lambda person, text, attempt: "500" if question(1) in text else None
    with Meta(somebody.servers[0]) as sender:
        sender.say(text(somebody.number, "1985", at=somebody.now + 1))
        eventually(lambda: graph.faults["500"] > 0, "the reply waits")
        sender.say({**text(somebody.number, "Kinshasa", at=somebody.now + 2), "context": seen})
    graph.plan = lambda person, text, attempt: None
    eventually(lambda: len(graph.got[somebody.number]) == 3, "all replies")
    assert question(2) in graph.got[somebody.number][2]


def test_who_is_erased_leaves_no_trace_of_the_newest(start, graph, redis, tmp_path):
    settings = {**settings_of(graph, redis), "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    somebody = Person(graph, start(**settings), redis=redis)
    somebody.say_and_wait("Bonjour")
    (key,) = redis.keys("uic:replies:newest:*")
    assert somebody.number not in key + redis.command("GET", key)[0]
    assert 0 < int(redis.command("PTTL", key)[0]) <= 2 * 15 * 60 * 1000
    done = run_program("erase", "--phone", f"+{somebody.number}", "--yes", cwd=tmp_path, **settings)
    assert done.returncode == 0, done.stderr
    assert redis.keys("uic:replies:newest:*") == []
