"""No answer is kept in clear, and the phone number stands in one place. The names here stand in no
dictionary: where they appear, they were kept."""

import pytest
from phone import Phone
from processes import SALT
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
    for text in ("Bonjour", YEAR, PLACE, FIRST):
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


def test_the_same_answers_under_another_salt_have_another_hash(start):
    rows = []
    for salt in (SALT, SALT + "-other"):
        server = start(UIC_SALT=salt)
        with Phone(server) as phone:
            talk(phone)
        rows += server.records()
    assert rows[0]["input_hash"] != rows[1]["input_hash"]
    assert rows[0]["uic_code"] != rows[1]["uic_code"]
