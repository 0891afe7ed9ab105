"""No answer is kept in clear, and the phone number stands in one place. The names here stand in no
dictionary: where they appear, they were kept."""

import os
import threading

import meta
import pytest
from memory import read_image
from phone import FORM, WEBHOOK, Phone, exchange_bytes
from processes import PROGRAM, SALT, UicServer, eventually
from texts import code_in

YEAR, PLACE, FIRST, DAY, FAMILY = "1987", "Quixopolis", "Wyvernella", "23", "Zephyrbaum"
PROFILE = "Marmaduke Profilename"
WRONG = "Jabberwocky"
NAMES = (PLACE, FIRST, FAMILY, PROFILE, WRONG)


def talk(phone):
    """Everything that can happen to an answer: accepted, wrong, again, left lying, and the code."""

    def say(text, **options):
        return phone.say(text, profile=PROFILE, **options)

    say(FIRST)
    say(WRONG)
    say(YEAR)
    say(PLACE)
    say(PLACE, sid=phone.last_sid)
    say(FIRST)
    say(WRONG)
    say(DAY)
    code = code_in(say(FAMILY))
    say(FAMILY, sid=phone.last_sid)
    phone.post(f"From=whatsapp%3A%2B{phone.number[1:]}&Body={WRONG}%ff")
    phone.connection.request("GET", f"/{WRONG}?{FIRST}")
    phone.connection.getresponse().read()
    # Left open: which of two names, when all the rest is there as it was said.
    for text in ("Bonjour", YEAR, PLACE, FIRST, DAY, f"{FAMILY} {FIRST}"):
        say(text)
    return code


def assert_absent(words, data, where):
    lower = data.lower()
    for word in words:
        assert word.lower().encode() not in lower, f"{word} is in {where}"


def stored_bytes(directory):
    """Everything in the files of a directory."""
    data = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert data
    return data


@pytest.mark.parametrize("log_json", ["False", "True"])
def test_nothing_that_was_said_is_in_the_log(start, redis, log_json):
    server = start(REDIS_URL=redis.url, LOG_LEVEL="DEBUG", DEBUG="True", LOG_JSON=log_json)
    with Phone(server) as phone:
        code = talk(phone)
        redis.stop()
        phone.say(WRONG, profile=PROFILE)
    server.stop()
    log = server.log().encode()
    assert log.strip()
    assert_absent([*NAMES, code, phone.number[1:], SALT], log, "the log")


def test_nothing_that_was_said_is_in_redis(start, redis):
    server = start(REDIS_URL=redis.url)
    with Phone(server) as phone:
        talk(phone)
    assert redis.keys("uic:s:*")
    redis.command("SAVE")
    redis.stop()
    # The dump and the append-only file: what is there, and all that was ever written.
    assert_absent([*NAMES, phone.number[1:], SALT], stored_bytes(redis.directory), "Redis")


def test_the_database_holds_the_code_and_the_number_and_no_name(start):
    server = start()
    with Phone(server) as phone:
        code = talk(phone)
        database = server.database.parent
        data = b"".join(path.read_bytes() for path in database.glob("uic_database.db*"))
        assert code.encode() in data, "the reading itself works"
        assert_absent([*NAMES, SALT], data, "the database")
    (row,) = server.records()
    digits = phone.number[1:]
    assert [name for name, value in row.items() if digits in str(value)] == ["phone_number"]


def test_nothing_that_was_said_is_in_the_metrics(shared):
    with Phone(shared) as phone:
        code = talk(phone)
    metrics = shared.get("/metrics")[1].encode()
    assert_absent([*NAMES, code, phone.number[1:]], metrics, "the metrics")


def test_error_pages_hold_nothing_that_was_said(shared):
    with Phone(shared) as phone:
        phone.say("Bonjour")
        for body in (f"Body={WRONG}", f"From={WRONG}+{FIRST}&Body={PLACE}", f"From=a&Body={WRONG}%f"):
            assert_absent(NAMES, phone.post(body)[2], "an error page")
        assert_absent(NAMES, phone.post(f'{{"{WRONG}":1}}', "application/json")[2], "an error page")
    answer = exchange_bytes(shared, f"GET /{WRONG} HTTP/1.1\r\n{FIRST} : {PLACE}\r\n\r\n".encode())
    assert_absent(NAMES, answer.body, "a refusal")


def test_an_answer_that_is_not_sealed_would_be_found(tmp_path, redis):
    """The same search, where sealing is switched off in the program."""
    server = UicServer(tmp_path / "unsealed", {"REDIS_URL": redis.url})
    server.program = f"{PROGRAM}-unsealed"
    if not os.access(server.program, os.X_OK):
        pytest.skip("only presets with tests build it")
    server.start()
    with Phone(server) as phone:
        talk(phone)
    server.stop()
    redis.command("SAVE")
    redis.stop()
    data = stored_bytes(redis.directory).lower()
    for answer in (PLACE, FIRST):
        assert answer.lower().encode() in data
    assert WRONG.lower().encode() not in data, "what is no answer is not kept at all"


def register_crowd(server, count):
    """People of many kinds at once: connections that stay and that do not, forms that are refused,
    clients that go away in the middle. In the end every conversation has its code."""

    def register(index):
        with Phone(server) as phone:
            for text in ("Bonjour", YEAR, PLACE + "x" * (index % 7 * 9), FIRST, DAY, FAMILY):
                if index % 3 == 0:
                    phone.connection.close()
                phone.say(text, profile=PROFILE)
            if index % 5 == 0:
                phone.post(f"From=whatsapp%3A%2B1&Body={WRONG}%ff")
            if index % 5 == 1:
                phone.post("From=a&Body=" + WRONG * 1000)
            body = f"From=whatsapp%3A%2B2&Body={WRONG}"
            if index % 5 == 2:
                exchange_bytes(server, f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                       f"Content-Length: {len(body)}\r\n\r\n{body}".encode())

    crowd = [threading.Thread(target=lambda first=first: [register(index) for index in
                                                          range(first, count, 8)])
             for first in range(8)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()


def register_by_meta(server, graph, count):
    """What was understood is told back by Meta, asked about and read back, in what libcurl sends."""
    for _ in range(count):
        number = meta.new_number()
        for said, text in enumerate(("Bonjour", YEAR, f"née à {PLACE}", f"{FIRST} {FAMILY}", FIRST, DAY, FAMILY,
                                     "OUI"), 1):
            with meta.Meta(server) as sender:
                sender.say(meta.text(number, text))
            eventually(lambda: len(graph.got[number]) == said, f"a reply to {text}")


def assert_nothing_in_the_image(server):
    for _ in range(20):
        assert server.status_of("/health") == 200
    image = read_image(server.process.pid)
    assert SALT.encode() in image, "the reading itself works"
    image = image.lower()
    found = [image.find(name.lower().encode()) for name in NAMES]
    assert set(found) == {-1}, [image[max(0, at - 200):at + 100] for at in found if at >= 0]


@pytest.mark.parametrize("sessions", ["memory", "redis"])
def test_nothing_that_was_said_is_in_a_core_image(start, redis, sessions):
    server = start(WORKERS=2, REDIS_URL=redis.url if sessions == "redis" else None)
    register_crowd(server, 80)
    assert_nothing_in_the_image(server)


def test_a_message_that_waits_has_forgotten_its_request(start, redis):
    """What it needs it has taken: the rest would lie there as long as a store is slow."""
    server = start(WORKERS=1, REDIS_URL=redis.url)
    redis.pause()
    connection = server.connect()
    form = f"From=whatsapp%3A%2B243990000001&MessageSid=SM{'0' * 32}&Body={FIRST}&Extra=Quux%69fold"
    connection.request("POST", WEBHOOK, form, {"Content-Type": FORM, "X-Marker": PROFILE})
    eventually(lambda: server.counts()["uic_messages_in_flight"] == 1, "the message waits for its session")
    image = read_image(server.process.pid)
    redis.resume()
    assert connection.getresponse().status == 200
    connection.close()
    assert FIRST.encode() in image, "the reading itself works"
    assert_absent(("Quux%69fold", PROFILE), image, "memory")


def test_nothing_that_meta_was_told_is_in_a_core_image(start, graph):
    server = start(**{**meta.SETTINGS, **graph.settings(META_MESSAGES_PER_SECOND="0")})
    register_by_meta(server, graph, 6)
    assert_nothing_in_the_image(server)


def test_the_same_answers_under_another_salt_have_another_hash(start):
    rows = []
    for salt in (SALT, SALT + "-other"):
        server = start(UIC_SALT=salt)
        with Phone(server) as phone:
            talk(phone)
        rows += server.records()
    assert rows[0]["input_hash"] != rows[1]["input_hash"]
    assert rows[0]["uic_code"] != rows[1]["uic_code"]
