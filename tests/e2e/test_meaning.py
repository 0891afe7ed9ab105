"""A message means what its sender meant: on both channels, with sessions in memory and in Redis.
What a conversation says is in tests/cases; here are the stores, the clocks and the counts."""

import json
import time

import meta
import pytest
from meta import Meta
from phone import Phone, new_sid
from processes import eventually
from production import Nginx
from texts import FLOW, JEAN, code_in, code_of, message, question

BOTH = pytest.mark.parametrize("channel", ["twilio", "meta"])
ADMIN_TOKEN = "a-token-that-is-long-enough"
STORES = pytest.mark.parametrize("store", ["memory", "redis"])


class TwilioPerson:
    """Somebody who writes to a server; the reply is a text, '' for none."""

    new_id = staticmethod(new_sid)

    def __init__(self, server, _graph):
        self.phone = Phone(server)

    def say(self, text, id=None, at=None):
        return self.phone.say(text, sid=id or new_sid())

    silent = say


class MetaPerson:
    """The same through Meta. Replies of one person come in order, so the next one shows that there
    was none in between."""

    new_id = staticmethod(meta.new_wamid)

    def __init__(self, server, graph):
        self.graph, self.sender, self.number = graph, Meta(server), meta.new_number()
        self.count = 0

    def send(self, *messages):
        self.sender.say(*messages)

    def say(self, text, id=None, at=None):
        self.send(meta.text(self.number, text, id, at))
        self.count += 1
        got = self.graph.got[self.number]
        eventually(lambda: len(got) >= self.count, f"a reply to {text}")
        assert len(got) == self.count, got
        return got[-1]

    def silent(self, text, id=None, at=None):
        self.send(meta.text(self.number, text, id, at))
        return ""


@pytest.fixture
def begin(start, graph, redis):
    """begin(store) -> a server with both channels."""
    def begin_server(store="redis", **settings):
        where = {"REDIS_URL": redis.url} if store == "redis" else {}
        return start(**{**meta.SETTINGS, "ADMIN_TOKEN": ADMIN_TOKEN, "META_MESSAGES_PER_SECOND": "0", **graph.settings(),
                        **where, **settings})
    return begin_server


def person(channel, server, graph):
    return (TwilioPerson if channel == "twilio" else MetaPerson)(server, graph)


@BOTH
@STORES
def test_what_comes_again_in_the_next_registration_is_known(begin, graph, channel, store):
    server = begin(store)
    nurse = person(channel, server, graph)
    said = ("Bonjour", *JEAN, "Bonjour", "1990", "Goma")
    ids = [nurse.new_id() for _ in said]
    now = int(time.time()) - 60
    for index, (text, id) in enumerate(zip(said, ids)):
        reply = nurse.say(text, id, now + index)
    assert question(2) in reply
    for index in range(len(said) - 1):
        assert nurse.silent(said[index], ids[index], now + index) == ""
    code = code_in([nurse.say(text, at=now + 20 + index)
                    for index, text in enumerate(("Marie", "7", "Mwamba"))][-1])
    assert code == code_of(("1990", "Goma", "Marie", "7", "Mwamba"))
    assert sorted(row["request_count"] for row in server.records()) == [1, 1]


@STORES
def test_a_request_of_ten_messages_that_comes_twice(begin, graph, store):
    server = begin(store)
    nurse = MetaPerson(server, graph)
    now = int(time.time())
    said = ("Bonjour", *JEAN, "Bonjour", "1990", "Goma", "Marie")
    messages = [meta.text(nurse.number, text, at=now + index) for index, text in enumerate(said)]
    for _ in range(3):
        nurse.send(*messages)
    nurse.count = 10
    assert question(4) in nurse.say("7", at=now + 11)
    assert [row["uic_code"] for row in server.records()] == [code_of(JEAN)]


@BOTH
@STORES
def test_the_same_text_again(begin, graph, channel, store):
    somebody = person(channel, begin(store), graph)
    now = int(time.time())
    for index, text in enumerate(("Bonjour", "1990", "Maria")):
        somebody.say(text, at=now + index)
    assert message("repeated") in somebody.say("Maria", at=now + 3)
    assert question(3) in somebody.say("Maria", at=now + 4)
    somebody.say("7", at=now + 5)
    reply = somebody.say("Mwamba", at=now + 6)
    assert code_in(reply) == code_of(("1990", "Maria", "Maria", "7", "Mwamba"))
    assert somebody.say("Mwamba", at=now + 7) == reply
    assert message("welcome") in somebody.say("Bonjour", at=now + 8)


@pytest.mark.parametrize("again", ["Kinshasa ", "kinshasa", "KINSHASA.", "Kinshâsa"])
def test_the_same_text_typed_again(start, again):
    somebody = Phone(start())
    somebody.say_all("Bonjour", "1985", "Kinshasa")
    assert message("repeated") in somebody.say(again)
    assert code_in(somebody.say_all(*JEAN[2:])) == code_of(JEAN)


@BOTH
@STORES
def test_stop_twice(begin, graph, channel, store):
    server = begin(store)
    somebody = person(channel, server, graph)
    for text in ("Bonjour", "1990"):
        somebody.say(text)
    for text in ("STOP", "Stop", "Arrêter", "QUITTER"):
        assert somebody.say(text) == message("stopped")
    funnel_of(server, started=1, stopped=1)


@BOTH
@STORES
def test_a_machine_is_answered_twenty_times(begin, graph, channel, store):
    server = begin(store, MESSAGES_PER_MINUTE="100000")
    robot = person(channel, server, graph)
    replies = [robot.say(f"Je suis absent {number}") for number in range(20)]
    assert question(0) in replies[18]
    assert replies[19] == message("ask_for_help")
    for number in range(10):
        assert robot.silent(f"Je suis encore absent {number}") == ""
    assert question(1) in robot.say("1985")
    assert server.counts()['uic_limit_reached_total{limit="fruitless_messages"}'] == 11


def funnel_of(server, **expected):
    """The figures of today, which may be a second late."""
    def told():
        connection = server.connect()
        connection.request("GET", "/admin/stats?days=1",
                           headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        funnel = json.loads(connection.getresponse().read())["funnel"]["today"]
        connection.close()
        return {name: funnel[name] for name in expected}
    eventually(lambda: told() == expected, f"{expected}, not {told()}")


def flow_file(tmp_path, name, **changes):
    flow = json.loads(json.dumps(FLOW))
    for key, value in changes.items():
        flow[key] = value
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(flow), encoding="utf-8")
    return str(path)


OLD_THANKS, NEW_THANKS = FLOW["messages"]["fr"]["accepted"].split("{")[0], "Bien reçu."


def other_wording(tmp_path):
    words = json.loads(json.dumps(FLOW["messages"]))
    words["fr"]["accepted"] = NEW_THANKS
    return flow_file(tmp_path, "wording", version=2, messages=words)


def other_steps(tmp_path):
    steps = json.loads(json.dumps(FLOW["steps"]))
    steps[0]["answer"]["min"] = 1910
    return flow_file(tmp_path, "steps", version=3, steps=steps)


@pytest.fixture
def behind_nginx(begin, tmp_path):
    """(nginx, the two instances behind it, who share everything)."""
    shared = {"DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    instances = [begin(**shared), begin(**shared)]
    with Nginx(tmp_path / "nginx", [instance.port for instance in instances]) as nginx:
        yield nginx, instances


def test_another_wording_goes_by_unnoticed(behind_nginx, tmp_path):
    """It is rolled out: one instance ends and comes back with it, then the other, while people write."""
    nginx, instances = behind_nginx
    people = [Phone(nginx) for _ in range(4)]

    def everybody_says(*texts):
        """Which wordings thanked them, the old one or the new one."""
        replies = [phone.say(text) for text in texts for phone in people]
        return {wording for wording in (OLD_THANKS, NEW_THANKS) if any(wording in reply for reply in replies)}

    def roll(instance):
        instance.stop()
        instance.settings["FLOW_FILE"] = other_wording(tmp_path)
        instance.start()

    assert everybody_says("Bonjour", *JEAN[:1]) == {OLD_THANKS}
    roll(instances[0])
    assert everybody_says(*JEAN[1:3]) == {OLD_THANKS, NEW_THANKS}
    roll(instances[1])
    assert everybody_says(JEAN[3]) == {NEW_THANKS}
    assert [code_in(phone.say(JEAN[4])) for phone in people] == 4 * [code_of(JEAN)]
    assert not any("flow_changed" in instance.log() for instance in instances)
    assert [row["request_count"] for row in instances[0].records()] == [4]


def test_other_steps_restart_and_both_fingerprints_are_logged(begin, tmp_path):
    shared = {"DATABASE_URL": f"sqlite:///{tmp_path}/records.db", "LOG_JSON": "True"}
    old, new = begin(**shared), begin(FLOW_FILE=other_steps(tmp_path), **shared)
    with Phone(old) as before, Phone(new, before.number) as behind:
        before.say_all("Bonjour", "1985")
        assert message("changed") in behind.say("Kinshasa")
        assert code_in(behind.say_all(*JEAN)) == code_of(JEAN)
    eventually(lambda: "flow_changed" in new.log(), "a line in the log")
    (line,) = [json.loads(line) for line in new.log().splitlines() if "flow_changed" in line]
    assert len(line["old_fingerprint"]) == len(line["new_fingerprint"]) == 16
    assert line["old_fingerprint"] != line["new_fingerprint"]


def usage(redis):
    (session,) = redis.keys("uic:s:*")
    return int(redis.command("MEMORY", "USAGE", session)[0])


@BOTH
def test_a_session_with_a_registration_is_small(begin, graph, redis, channel):
    nurse = person(channel, begin(), graph)
    now = int(time.time())
    for index, text in enumerate(("Bonjour", *JEAN)):
        reply = nurse.say(text, at=now + index)
    code_in(reply)
    assert usage(redis) <= 300


@BOTH
def test_a_session_of_a_busy_hour_is_small(begin, graph, redis, channel):
    """Registrations of ten seconds, as many as an hour has at its busiest; on Meta no message is
    known for longer than five minutes. Replies are not waited for: Meta takes one in six seconds."""
    server = begin(MESSAGES_PER_MINUTE="100000", CODES_PER_DAY="100000")
    nurse = person(channel, server, graph)
    begun = int(time.time()) - 600
    most = 0
    for number in range(60):
        for index, text in enumerate(("Bonjour", *JEAN)):
            nurse.silent(text, at=begun + number * 10 + index)
        most = max(most, usage(redis))
    assert most <= 2560
    assert [row["request_count"] for row in server.records()] == [60]


def test_what_meta_sends_again_behind_the_end_of_the_session_changes_nothing(begin, graph, redis):
    server = begin()
    somebody = MetaPerson(server, graph)
    now = int(time.time()) - 120
    ids = [somebody.new_id() for _ in range(6)]
    for index, text in enumerate(("Bonjour", *JEAN)):
        somebody.say(text, ids[index], now + index)
    redis.expire()
    for index, text in enumerate(("Bonjour", *JEAN)):
        somebody.silent(text, ids[index], now + index)
    assert redis.keys("uic:s:*") == []
    assert message("welcome") in somebody.say("Bonjour", at=now + 60)
    assert [row["request_count"] for row in server.records()] == [1]
    funnel_of(server, started=2, finished=1)
    assert server.counts()["uic_messages_late_total"] == 6


@STORES
def test_two_answers_that_crossed(begin, graph, store):
    somebody = MetaPerson(begin(store), graph)
    now = int(time.time())
    for index, text in enumerate(("Bonjour", "1985")):
        somebody.say(text, at=now + index)
    somebody.say("Jean", at=now + 5)
    reply = somebody.say("Kinshasa", at=now + 4)
    assert message("crossed") in reply and question(1) in reply
    assert code_in([somebody.say(text, at=now + 10 + index)
                    for index, text in enumerate(JEAN[1:])][-1]) == code_of(JEAN)
