"""Meta's Cloud API brings messages: only what its app signed comes in, several people in one request,
each message counts once, and 200 means that every reply is safe."""

import http.server
import json
import os
import random
import re
import threading
import time

import meta
import pytest
from meta import Meta, button, request, text, waiting
from phone import Phone
from processes import RedisServer, UicServer, eventually, run_program
from texts import JEAN, code_of


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture(scope="module")
def shared(tmp_path_factory, shared_redis):
    """A server with both channels."""
    settings = {**meta.SETTINGS, "REDIS_URL": shared_redis.url, "WORKERS": "2",
                "META_APP_SECRET": f"{meta.SECRET},next-secret"}
    with UicServer(tmp_path_factory.mktemp("meta"), settings) as server:
        yield server


@pytest.fixture
def sender(shared):
    with Meta(shared) as sender:
        yield sender


@pytest.fixture
def queued(shared_redis):
    """How many replies were queued since the test began."""
    before = waiting(shared_redis)
    return lambda: waiting(shared_redis) - before


def subscribe(server, query):
    return server.get(f"{meta.PATH}?{query}")


def asked(token=meta.VERIFY_TOKEN, mode="subscribe", challenge="1158201444"):
    return f"hub.mode={mode}&hub.challenge={challenge}&hub.verify_token={token}"


def test_whoever_knows_the_verify_token_gets_the_challenge_back(shared):
    assert subscribe(shared, asked()) == (200, "1158201444")
    assert subscribe(shared, asked().replace("hub.", "hub%2E")) == (200, "1158201444")


@pytest.mark.parametrize("query", [
    "", "hub.mode=subscribe", asked(token="lualaba-2025"), asked(token=""),
    asked(token=meta.VERIFY_TOKEN + "x"), asked(token=meta.VERIFY_TOKEN[:-1]),
    asked(mode="unsubscribe"), asked(challenge=""), asked(challenge="%3Cscript%3E"),
    asked(challenge="1" * 257), asked() + "&hub.challenge=2", asked() + "&hub.verify_token=x",
    asked(challenge="a%0d%0ab"), "hub.mode=subscribe&hub.verify_token=%ff",
])
def test_everybody_else_is_refused(shared, query):
    status, answer = subscribe(shared, query)
    assert status == 403 and "<" not in answer


def test_without_metas_settings_there_is_nothing(start):
    server = start()
    assert subscribe(server, asked())[0] == 404
    with Meta(server) as sender:
        assert sender.send(request(text("243810000000", "Bonjour")))[0] == 404
        assert sender.send(b"x" * 70000)[0] == 413


def test_a_conversation_ends_in_a_record_with_the_number(shared, sender, queued):
    number = meta.new_number()
    for said in ("Bonjour", *JEAN[:-1]):
        sender.say(text(number, said))
    assert not [row for row in shared.records() if row["phone_number"] == "+" + number]
    sender.say(text(number, JEAN[-1]))
    row, = (row for row in shared.records() if row["phone_number"] == "+" + number)
    assert row["uic_code"].startswith(code_of(JEAN)[:-5])
    assert queued() == 6


def test_several_people_and_messages_in_one_request_stay_in_order(shared, sender, queued):
    people = [meta.new_number() for _ in range(20)]
    conversations = [[text(number, said) for said in ("Bonjour", "1985", "Goma", "Anne", str(day), "Moke")]
                     for day, number in enumerate(people, 1)]
    sender.say(*(message for turn in zip(*conversations) for message in turn))
    codes = {row["phone_number"]: row["uic_code"] for row in shared.records()}
    for day, number in enumerate(people, 1):
        assert codes["+" + number] == code_of(("1985", "Goma", "Anne", str(day), "Moke"))
    assert queued() == 120


def test_a_button_chooses_the_language(sender, shared_redis):
    number = meta.new_number()
    sender.say(text(number, "Bonjour"), text(number, "LANGUE"), button(number, ":en", "English"))
    sender.say(text(number, "23"))
    assert shared_redis.keys("uic:m:*")


def test_the_same_request_again_changes_nothing(shared, sender, queued):
    number = meta.new_number()
    body = request(*(text(number, said) for said in ("Bonjour", "1986", "Boma", "Luc", "3", "Ilunga")))
    for _ in range(3):
        assert sender.send(body)[0] == 200
    row, = (row for row in shared.records() if row["phone_number"] == "+" + number)
    assert row["request_count"] == 1
    assert queued() == 6


def test_a_message_twice_in_one_request_counts_once(shared, sender, queued):
    number = meta.new_number()
    first, second = text(number, "Bonjour"), text(number, "1985")
    before = shared.counts()
    sender.say(first, first, second, first, second)
    ignored = 'uic_meta_ignored_total{reason="repeated"}'
    assert shared.counts()[ignored] - before[ignored] == 3
    assert queued() == 2


def test_what_is_no_message_for_us_is_counted(shared, sender, queued):
    sender.say(text(meta.new_number(), "Bonjour"))  # by its time others are old
    before, answered = shared.counts(), queued()
    old = text(meta.new_number(), "Bonjour", at=time.time() - 25 * 3600)
    reaction = {**text(meta.new_number(), ""), "type": "reaction"}
    sender.say(old, old, reaction, {"from": "243"})
    assert sender.send(request(text(meta.new_number(), "Bonjour"), number_id="999"))[0] == 200
    assert sender.send(request(statuses=[{"id": "wamid.x", "status": "read"}] * 3))[0] == 200
    after = shared.counts()
    grown = {name: after[name] - before[name] for name in after
             if name.startswith(("uic_meta_ignored", "uic_meta_statuses", "uic_meta_replies"))}
    assert grown == {'uic_meta_statuses_total{status="sent"}': 0,
                     'uic_meta_statuses_total{status="delivered"}': 0,
                     'uic_meta_statuses_total{status="read"}': 3,
                     'uic_meta_statuses_total{status="failed"}': 0,
                     'uic_meta_statuses_total{status="other"}': 0,
                     "uic_meta_replies_unqueued_total": 0,
                     'uic_meta_ignored_total{reason="kind"}': 1,
                     'uic_meta_ignored_total{reason="malformed"}': 1,
                     'uic_meta_ignored_total{reason="other_number"}': 1,
                     'uic_meta_ignored_total{reason="old"}': 2,
                     'uic_meta_ignored_total{reason="repeated"}': 0}
    assert queued() == answered == 1


def test_one_person_on_both_channels_is_two_addresses(shared, shared_redis, sender):
    number = meta.new_number()
    before = len(shared_redis.keys("uic:s:*"))
    sender.say(text(number, "Bonjour"), text(number, "1985"))
    with Phone(shared, "+" + number) as phone:
        assert "Question 1" in phone.say("Bonjour")
    assert len(shared_redis.keys("uic:s:*")) == before + 2


def test_somebody_without_a_number_is_known_by_the_user_id(shared, sender):
    user = f"CD.{random.getrandbits(60)}"
    messages = [text("", said) for said in ("Bonjour", "1979", "Uvira", "Rose", "9", "Mukendi")]
    for message in messages:
        del message["from"]
        message["from_user_id"] = user
    sender.say(*messages)
    assert [row for row in shared.records() if row["phone_number"] == user]


def test_what_is_not_signed_does_not_come_in(sender, queued):
    body = request(text(meta.new_number(), "Bonjour"))
    assert sender.send(body, "")[0] == 400
    assert sender.send(body, meta.signature(body, "another secret"))[0] == 403
    assert sender.send(body, meta.signature(body + b" "))[0] == 403
    assert sender.send(body + b" ", meta.signature(body))[0] == 403
    assert sender.send(b"{", meta.signature(b"{"))[0] == 400
    assert queued() == 0


def test_both_of_two_secrets_are_valid(sender):
    body = request(text(meta.new_number(), "Bonjour"))
    assert sender.send(body, meta.signature(body, "next-secret"))[0] == 200
    assert sender.send(body, meta.signature(body, f"{meta.SECRET},next-secret"))[0] == 403


def test_ten_thousand_mutated_signatures_are_refused(shared, sender, queued):
    """A digit of the signature, or a byte of the body, is another one."""
    chance = random.Random(2026)
    body = request(text(meta.new_number(), "Bonjour"))
    value = meta.signature(body)
    before = shared.counts()
    for turn in range(10000):
        if turn % 2:
            at = chance.randrange(len("sha256="), len(value))
            digit = chance.choice([digit for digit in "0123456789abcdef" if digit != value[at]])
            status, _ = sender.send(body, value[:at] + digit + value[at + 1:])
        else:
            at = chance.randrange(len(body))
            other = bytes([body[at] ^ chance.randrange(1, 256)])
            status, _ = sender.send(body[:at] + other + body[at + 1:], value)
        assert status == 403
    refused = 'uic_webhooks_refused_total{reason="signature"}'
    assert shared.counts()[refused] - before[refused] == 10000
    assert queued() == 0


def test_a_thousand_messages_in_one_request_are_answered(sender, queued):
    people = [meta.new_number() for _ in range(1000)]
    began = time.monotonic()
    sender.say(*(text(number, "Bonjour") for number in people))
    print(f"1,000 messages: {time.monotonic() - began:.3f} s")
    assert queued() == 1000


def padded(length):
    """A request of so many bytes."""
    body = request(text(meta.new_number(), "Bonjour"))
    return body[:-1] + b" " * (length - len(body)) + body[-1:]


def test_three_megabytes_are_taken_here_and_nowhere_else(shared, sender):
    limit = 3 * 1024 * 1024
    assert sender.send(padded(limit))[0] == 200
    assert sender.send(padded(200000))[0] == 200
    assert sender.send(request(text(meta.new_number(), "Bonjour")))[0] == 200
    for path, length in ((meta.PATH, limit + 1), ("/whatsapp/webhook", 70000), (meta.PATH + "/", 70000)):
        with Meta(shared) as another:
            assert another.send(padded(length), path=path)[0] == 413


def chunks(body, size):
    """A body for http.client, which sends it in these chunks."""
    return (body[at:at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("size", [1400, 16384, 1 << 20])
def test_the_same_comes_in_chunks(shared, sender, size):
    limit = 3 * 1024 * 1024
    for length in (500, 65536, 65537, limit):
        body = padded(length)
        assert sender.send(chunks(body, size), meta.signature(body))[0] == 200, length
    for path, length in ((meta.PATH, limit + 1), ("/whatsapp/webhook", 70000)):
        with Meta(shared) as another:
            assert another.send(chunks(padded(length), size), "sha256=x", path)[0] == 413
    body = padded(100000)
    with Meta(shared) as another:
        assert another.send(chunks(body[:-2] + b"  " , size), meta.signature(body))[0] == 403


LARGE = {"a length": b"Content-Length: 100000\r\n\r\n{",
         # evhttp takes the first chunk away before the second one makes the body a large one.
         "chunks": b"Transfer-Encoding: chunked\r\n\r\nffff\r\n" + b" " * 0xffff + b"\r\nfff\r\n{"}


def begin_large(server, rest):
    """A connection on which a large request has begun."""
    connection = server.connect_raw()
    connection.sendall(f"POST {meta.PATH} HTTP/1.1\r\nHost: x\r\n".encode() + rest)
    return connection


@pytest.mark.parametrize("rest", LARGE.values(), ids=LARGE)
def test_few_large_requests_come_at_once(start, redis, rest):
    server = start(**meta.SETTINGS, REDIS_URL=redis.url, WORKERS="1")
    with Meta(server) as sender:
        begun = [begin_large(server, rest) for _ in range(8)]
        eventually(lambda: server.counts()["uic_connections_total"] >= 8, "the connections")
        ninth = begin_large(server, rest)
        assert ninth.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert sender.send(request(text(meta.new_number(), "Bonjour")))[0] == 200
        for connection in (ninth, *begun):
            connection.close()
        with Meta(server) as another:
            eventually(lambda: another.send(padded(100000))[0] == 200, "room for a large request")


def test_while_redis_is_away_nothing_is_lost(start, redis, tmp_path):
    server = start(**meta.SETTINGS, REDIS_URL=redis.url)
    number = meta.new_number()
    messages = [text(number, said) for said in ("Bonjour", *JEAN)]
    with Meta(server) as sender:
        sender.say(*messages[:2])
        redis.stop()
        assert sender.send(request(*messages[2:]))[0] == 503
        redis.start()
        eventually(lambda: sender.send(request(*messages[2:]))[0] == 200, "Redis is back")
    row, = server.records()
    assert row["uic_code"] == code_of(JEAN) and row["request_count"] == 1
    assert waiting(redis) == 6


def test_without_redis_the_loss_is_told_at_start(start):
    server = start(**meta.SETTINGS)
    eventually(lambda: "replies_in_memory" in server.log(), "it is in the log")
    with Meta(server) as sender:
        sender.say(text(meta.new_number(), "Bonjour"))


def test_nothing_that_was_said_stands_in_redis_or_the_log(start, redis):
    server = start(**meta.SETTINGS, REDIS_URL=redis.url, LOG_LEVEL="DEBUG")
    number = meta.new_number()
    with Meta(server) as sender:
        sender.say(*(text(number, said) for said in ("Bonjour", "1985", "Mbujimayi", "Clarisse")))
    stored = "".join(re.sub(r"[^ -~]", "", line) for line in redis.command("--csv", "EVAL", """
        local all = {}
        for _, key in ipairs(redis.call('KEYS', '*')) do
          all[#all + 1] = redis.call('DUMP', key)
        end
        return all""", "0"))
    for secret in (number, "Mbujimayi", "MBUJIMAYI", "Clarisse", "Question", meta.SECRET):
        assert secret not in stored and secret not in server.log()


def test_in_production_with_meta_alone_twilios_door_is_closed(start):
    server = start(**{**meta.SETTINGS, "META_GRAPH_URL": "https://127.0.0.1:9"}, WORKERS="1",
                   ENVIRONMENT="production", PUBLIC_URL="https://ciu.exemple.cd",
                   ADMIN_TOKEN="0123456789abcdef", RUN_AS_USER=None if os.geteuid() else "root")
    with Phone(server) as phone:
        assert phone.post("From=whatsapp%3A%2B243810000000&Body=Bonjour")[0] == 404
    with Meta(server) as sender:
        sender.say(text(meta.new_number(), "Bonjour"))
    assert subscribe(server, asked())[0] == 200


class Graph(http.server.BaseHTTPRequestHandler):
    """Says of our number what the Graph API says."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        right = self.headers["Authorization"] == f"Bearer {meta.SETTINGS['META_WHATSAPP_TOKEN']}"
        if not right:
            answer = 401, {"error": {"message": "Session has expired", "code": 190, "error_subcode": 463}}
        elif path != f"/v25.0/{meta.NUMBER_ID}" or not query.startswith("fields="):
            answer = 400, {"error": {"message": "Object does not exist", "code": 100, "error_subcode": 33}}
        else:
            answer = 200, {"id": meta.NUMBER_ID, "display_phone_number": "+243 900 000 000",
                           "verified_name": "CIU"}
        body = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def graph():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Graph) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def check(tmp_path, **settings):
    run_program("init-db", cwd=tmp_path)
    done = run_program("check", cwd=tmp_path, **{**meta.SETTINGS, **settings})
    line, = (line for line in done.stdout.splitlines() if "Meta: " in line)
    return done.returncode, line


def test_check_names_our_number(tmp_path, graph):
    assert check(tmp_path, META_GRAPH_URL=graph) == (0, "ok    Meta: +243 900 000 000, CIU")


@pytest.mark.parametrize("settings, words", [
    ({"META_WHATSAPP_TOKEN": "EAAGold"}, "META_WHATSAPP_TOKEN has expired"),
    ({"META_PHONE_NUMBER_ID": "1"}, "META_PHONE_NUMBER_ID is wrong"),
    ({"META_GRAPH_URL": "http://127.0.0.1:9"}, "META_GRAPH_URL cannot be reached"),
    ({"META_GRAPH_URL": "http://nowhere.invalid"}, "the host of META_GRAPH_URL is not known"),
])
def test_check_says_in_words_what_is_wrong(tmp_path, graph, settings, words):
    code, line = check(tmp_path, **{"META_GRAPH_URL": graph, **settings})
    assert code == 1 and line.startswith("bad ") and words in line
    assert "EAAG" not in line
