"""Replies on their way to Meta: the queue and the client of the Graph API together, against a
stand-in that throttles, fails and breaks connections."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from graph import Graph, storm, text_message
from processes import PATIENCE, PROGRAM, REPORT, Process, environment_for, eventually

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make keys with")

SENDER = Path(PROGRAM).with_name("whatsapp-uic-sender")


class Sender(Process):
    """The sender alone; `letters` are (person, text), put in this order."""

    def __init__(self, directory, graph, settings):
        super().__init__(directory)
        self.graph = graph
        self.settings = settings
        self.letters = 0

    def start(self, letters, first_key=1):
        lines = [f"{first_key + index:x}\t{person}\t{json.dumps(text_message(person, text))}\n"
                 for index, (person, text) in enumerate(letters)]
        (self.directory / "letters").write_text("".join(lines))
        settings = self.graph.settings(META_VERIFY_TOKEN="verify", META_APP_SECRET="ab" * 16,
                                       META_MESSAGES_PER_SECOND=0, PORT=1, **self.settings)
        with open(self.directory / "letters") as stdin, open(self.directory / "out", "w") as out, \
                open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([SENDER], cwd=self.directory, stdin=stdin, stdout=out,
                                            stderr=log, env=environment_for(**settings))

    def out(self):
        return (self.directory / "out").read_text()

    def finish(self):
        """Waits until all is sent, and returns the metrics."""
        status = self.process.wait(PATIENCE * 8)
        assert not REPORT.search(self.log()), self.log()
        assert status == 0, self.log()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in self.out().splitlines() if line.startswith("uic_"))}


@pytest.fixture
def make_sender(tmp_path, graph):
    """make_sender(NAME=value, ...) -> a sender that is not started yet."""
    made = []

    def make(**settings):
        made.append(Sender(tmp_path / f"sender{len(made) + 1}", graph, settings))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def outcome(name):
    return f'uic_replies_total{{outcome="{name}"}}'


def retried(name):
    return f'uic_replies_retried_total{{reason="{name}"}}'


def letters_for(people, each):
    return [(f"24381{person:07}", f"message {number}") for number in range(each)
            for person in range(people)]


def assert_everybody_got_everything(graph, letters):
    """In order, repeats beside each other and no more than there were ambiguous breaks."""
    repeats = 0
    expected = {}
    for person, text in letters:
        expected.setdefault(person, []).append(text)
    for person, texts in expected.items():
        got = graph.got[person]
        once = [text for index, text in enumerate(got) if index == 0 or got[index - 1] != text]
        assert once == texts, person
        repeats += len(got) - len(once)
    return repeats


def test_each_person_gets_each_reply_in_order(graph, make_sender):
    letters = letters_for(20, 5)
    sender = make_sender()
    sender.start(letters)
    metrics = sender.finish()
    assert assert_everybody_got_everything(graph, letters) == 0
    assert metrics[outcome("sent")] == 100
    assert graph.requests == 100
    assert graph.connections < 100  # they are kept
    assert graph.overlaps == 0


TROUBLES = {"429": "throttled", "4": "throttled", "613": "throttled", "80007": "throttled",
            "130429": "throttled", "131048": "throttled", "131056": "throttled",
            "131064": "throttled", "133016": "throttled",
            "500": "failing", "503": "failing", "before": "unconfirmed", "after": "unconfirmed",
            "190": "locked_out"}


def test_after_trouble_it_is_sent_again(graph, make_sender):
    """Each person meets another trouble with the first of two messages."""
    people = {f"24381{index:07}": fault for index, fault in enumerate(TROUBLES)}
    graph.plan = lambda person, text, attempt: (
        people[person] if attempt == 1 and text == "message 0" else None)
    letters = letters_for(len(people), 2)
    sender = make_sender()
    sender.start(letters)
    metrics = sender.finish()
    assert assert_everybody_got_everything(graph, letters) == 1
    assert graph.got[next(who for who, fault in people.items() if fault == "after")] == [
        "message 0", "message 0", "message 1"]
    for reason, count in Counter(TROUBLES.values()).items():
        assert metrics[retried(reason)] == count, reason
    assert metrics[outcome("sent")] == len(letters)


def error(code, subcode=0):
    return json.dumps({"error": {"message": "x", "code": code, "error_subcode": subcode}})


# What comes of an answer that is no "sent" and no refusal of this message.
STRANGE_ANSWERS = {
    "raw 200 <html>login</html>": "foreign", "raw 200 ": "foreign", "raw 204 ": "foreign",
    "raw 200 {}": "unconfirmed", f"raw 200 {error(131000)}": "failing",
    "raw 302 ": "foreign", "raw 400 <html>400 Bad Request</html>": "foreign",
    "raw 403 <html>Forbidden</html>": "foreign", 'raw 403 {"message":"Forbidden"}': "foreign",
    "raw 404 <html>": "foreign", "raw 407 ": "foreign", "raw 421 ": "foreign", "raw 425 ": "failing",
    f"raw 403 {error(0)}": "locked_out", f"raw 400 {error(100, 33)}": "locked_out",
    f"raw 400 {error(33)}": "locked_out", f"raw 403 {error(368)}": "locked_out",
    f"raw 403 {error(130497)}": "locked_out", f"raw 400 {error(131037)}": "locked_out",
    f"raw 400 {error(1)}": "failing", f"raw 400 {error(2)}": "failing",
    f"raw 400 {error(131016)}": "failing", f"raw 400 {error(133004)}": "failing",
    f"raw 403 {error(131057)}": "failing",
}


def test_only_a_message_id_says_sent_and_only_meta_refuses(graph, make_sender):
    people = {f"24382{index:07}": fault for index, fault in enumerate(STRANGE_ANSWERS)}
    graph.plan = lambda person, text, attempt: people[person] if attempt == 1 else None
    letters = [(person, "message 0") for person in people]
    sender = make_sender()
    sender.start(letters)
    metrics = sender.finish()
    assert assert_everybody_got_everything(graph, letters) == 0
    for reason, count in Counter(STRANGE_ANSWERS.values()).items():
        assert metrics[retried(reason)] == count, reason
    assert metrics[outcome("sent")] == len(letters) and metrics[outcome("refused")] == 0
    assert sender.log().count("not_meta_answers") == 1  # once a minute


def test_what_meta_refuses_for_good_holds_nobody_up(graph, make_sender):
    graph.plan = lambda person, text, attempt: "131026" if text == "message 0" else None
    sender = make_sender()
    sender.start([("243811111111", "message 0"), ("243811111111", "message 1")])
    metrics = sender.finish()
    assert graph.got["243811111111"] == ["message 1"]
    assert metrics[outcome("refused")] == 1
    assert sender.log().count("reply_refused") == 1
    assert "code=131026" in sender.log()
    assert "trace=AbC123-trace_id" in sender.log()


def test_without_an_answer_it_is_repeated_twice_at_most(graph, make_sender):
    graph.plan = lambda person, text, attempt: "after" if text == "message 0" else None
    sender = make_sender()
    sender.start([("243811111111", "message 0"), ("243811111111", "message 1")])
    metrics = sender.finish()
    assert graph.got["243811111111"] == ["message 0"] * 3 + ["message 1"]
    assert metrics[outcome("unconfirmed")] == 1
    assert "reply_unconfirmed" in sender.log()


def test_retry_after_is_waited_for(graph, make_sender):
    graph.plan = lambda person, text, attempt: "429" if attempt == 1 else None
    graph.retry_after = 3
    sender = make_sender(LOG_LEVEL="DEBUG")
    sender.start([("243811111111", "x")])
    eventually(lambda: graph.requests == 1, "the first attempt")
    began = graph._loop.time()
    eventually(lambda: graph.requests == 2, "the second attempt")
    assert graph._loop.time() - began >= 2.5
    sender.finish()


def test_an_expired_token_loses_nothing_and_is_said(graph, make_sender):
    graph.token = "another"
    sender = make_sender()
    sender.start([("243811111111", "x"), ("243812222222", "y")])
    eventually(lambda: "meta_lets_nothing_through" in sender.log(), "a word about the token")
    graph.token = graph.settings()["META_WHATSAPP_TOKEN"]  # somebody mended it
    sender.finish()
    assert graph.got == {"243811111111": ["x"], "243812222222": ["y"]}
    assert sender.log().count("meta_lets_nothing_through") == 1


def test_nobody_there_at_first(graph, make_sender):
    graph.stop()
    sender = make_sender()
    sender.start([("243811111111", "x")])
    eventually(lambda: "meta_unreachable" in sender.log(), "a word about Meta")
    graph.start(graph.port)
    assert sender.finish()[outcome("sent")] == 1


def test_a_server_with_another_certificate_is_told_nothing(tmp_path, graph, make_sender):
    other = Graph(tmp_path / "other")
    other.make_certificates()
    sender = make_sender()
    graph.settings = lambda **more: {**Graph.settings(graph, **more),
                                     "META_CA_FILE": tmp_path / "other" / "ca.pem"}
    sender.start([("243811111111", "x")])
    eventually(lambda: "meta_unreachable" in sender.log(), "a word about Meta")
    assert graph.requests == 0


def test_the_log_holds_no_number_no_text_and_no_token(graph, make_sender):
    graph.plan = storm(7, breaks=0.1, throttled=0.1)
    sender = make_sender(LOG_LEVEL="DEBUG")
    sender.start(letters_for(10, 2))
    sender.finish()
    assert "reply_waits" in sender.log()
    for secret in ("24381000", "message 0", graph.token):
        assert secret not in sender.log()


def test_in_a_storm_everybody_gets_everything_in_order(graph, make_sender, redis):
    graph.plan = storm(1, breaks=0.02, throttled=0.05)
    letters = letters_for(150, 6)
    senders = [make_sender(REDIS_URL=redis.url), make_sender(REDIS_URL=redis.url)]
    senders[0].start(letters[:450])
    eventually(lambda: senders[0].out().count("put ") == 450, "the first half to be put")
    senders[1].start(letters[450:], first_key=451)
    metrics = [sender.finish() for sender in senders]
    repeats = assert_everybody_got_everything(graph, letters)
    assert repeats <= graph.faults["after"]
    assert sum(each[outcome("sent")] for each in metrics) == 900
    assert graph.overlaps == 0


def test_after_kill_9_another_sends_what_was_put(graph, make_sender, redis):
    graph.plan = lambda person, text, attempt: "late"
    graph.late_seconds = 0.2
    letters = letters_for(40, 3)
    first, second = make_sender(REDIS_URL=redis.url), make_sender(REDIS_URL=redis.url)
    first.start(letters)
    eventually(lambda: first.out().count("put ") == 120 and graph.requests > 40, "half of it")
    first.kill()
    under_way = sum(graph._under_way.values())
    second.start([])
    second.finish()
    repeats = assert_everybody_got_everything(graph, letters)
    assert repeats <= 40 + under_way
