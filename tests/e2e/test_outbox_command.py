"""whatsapp-uic outbox: what waits and what was refused, without a word of what it holds; and back."""

import re

import pytest
from phone import Phone
from processes import eventually, run_program
from texts import JEAN, code_in

NOWHERE = "postgresql://uic@127.0.0.1:1/uic"
OTHER_SALT = "another-Salt_0123456789"
REFUSE_FIRST = """
local entry = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
redis.call('XADD', KEYS[2], '*', 'sealed', entry[2][2], 'why', 'conflict', 'id', entry[1])
redis.call('XDEL', KEYS[1], entry[1])
return entry[1]"""


def refuse_first(redis):
    """As the drain does it; the id that the entry had."""
    return redis.command("EVAL", REFUSE_FIRST, "2", "uic:outbox", "uic:outbox:refused")[0]


@pytest.fixture
def codes(start, redis):
    """Two codes that wait, of two numbers, and their server is gone."""
    server = start(wait_for="/health", REDIS_URL=redis.url, DATABASE_URL=NOWHERE)
    told = {}
    for year in ("1985", "1986"):
        with Phone(server) as phone:
            told[code_in(phone.say_all("Bonjour", year, *JEAN[1:]))] = phone.number
    server.stop()
    return told


def outbox(redis, tmp_path, *arguments, language="en_US.UTF-8", **settings):
    done = run_program("outbox", *arguments, cwd=tmp_path, REDIS_URL=redis.url, LC_ALL=language,
                       **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_lists_what_waits_and_what_was_refused(redis, tmp_path, codes):
    gone = refuse_first(redis)
    redis.command("XADD", "uic:outbox", "*", "sealed", "x")
    said = outbox(redis, tmp_path, "--show")
    lines = [re.split(r"  +", line.strip()) for line in said.splitlines() if "-0 " in line]
    assert [line[2:] for line in lines] == [["waits", "this salt"], ["waits", "damaged"],
                                            ["conflict", "this salt"]], said
    assert lines[2][0] == gone and all(re.fullmatch(r"\d+ s", line[1]) for line in lines)
    # The damaged one is refused by then, or not yet.
    assert sum(int(count) for count in re.findall(r"(?:waiting|refused): (\d+)", said)) == 3
    assert "left alone" not in said
    for code, number in codes.items():
        assert code not in said and number.lstrip("+") not in said
    assert gone not in outbox(redis, tmp_path)
    assert "en attente : 2\n" in outbox(redis, tmp_path, language="fr_FR.UTF-8")


def test_what_is_of_another_salt_is_told(redis, tmp_path, codes):
    said = outbox(redis, tmp_path, "--show", UIC_SALT=OTHER_SALT)
    assert said.count("another salt, or a later version\n") == 2
    assert "left alone: 2" in said


def test_what_another_salt_left_is_deleted_on_purpose(start, redis, tmp_path, codes):
    refuse_first(redis)
    redis.command("XADD", "uic:outbox", "*", "sealed", "x")
    server = start(wait_for="/health", REDIS_URL=redis.url, DATABASE_URL=NOWHERE, UIC_SALT=OTHER_SALT)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
    server.stop()

    def delete(*arguments, **settings):
        return run_program("outbox", "--delete-foreign", *arguments, cwd=tmp_path, REDIS_URL=redis.url,
                           LC_ALL="en_US.UTF-8", **settings)

    unknown = delete("--yes")
    assert unknown.returncode == 1 and "uic:marks is not there" in unknown.stderr
    marked = start(REDIS_URL=f"{redis.url[:-1]}1")  # what it says there, it would say here, and write the codes
    with Phone(marked) as phone:
        phone.say_all("Bonjour", *JEAN)
    eventually(lambda: redis.command("EVAL", "redis.call('SELECT', 1) return redis.call('COPY', 'uic:marks', "
                                     "'uic:marks', 'DB', 0)", "0") == ["1"], "the mark")
    marked.stop()
    asked = delete()
    assert asked.returncode == 1 and "say --yes" in asked.stderr and "left alone: 1\n" in asked.stdout
    assert delete("--retry", "--yes").returncode == 2
    done = delete("--yes")
    assert done.returncode == 0 and "deleted: 1\n" in done.stdout, done.stderr
    said = outbox(redis, tmp_path, "--show")
    assert "waiting: 2" in said and "refused: 1" in said and "left alone" not in said
    done = delete("--yes")
    assert done.returncode == 0 and "deleted" not in done.stdout
    assert delete("--yes", UIC_SALT=OTHER_SALT).returncode == 1


def test_a_wrong_salt_deletes_nothing(start, redis, tmp_path, codes):
    server = start(REDIS_URL=redis.url)
    eventually(lambda: redis.keys("uic:marks"), "the mark")
    server.stop()
    start(wait_for="/health", REDIS_URL=redis.url, DATABASE_URL=NOWHERE).stop()
    redis.command("XADD", "uic:outbox", "*", "sealed", "\x02" + 60 * "a")
    before = redis.command("XLEN", "uic:outbox")
    done = run_program("outbox", "--delete-foreign", "--yes", cwd=tmp_path, REDIS_URL=redis.url,
                       UIC_SALT=OTHER_SALT)
    assert done.returncode == 1 and "uic:marks" in done.stderr
    assert redis.command("XLEN", "uic:outbox") == before


def test_what_was_refused_is_put_back_and_written(start, redis, tmp_path, codes):
    for _ in range(2):
        refuse_first(redis)
    assert "put back: 2" in outbox(redis, tmp_path, "--retry")
    assert redis.command("XLEN", "uic:outbox:refused") == ["0"]
    assert "put back: 0" in outbox(redis, tmp_path, "--retry")
    server = start(REDIS_URL=redis.url)
    eventually(lambda: len(server.records()) == 2, "the outbox is written")
    assert {row["uic_code"]: row["phone_number"] for row in server.records()} == codes


def test_another_salts_go_back_as_they_are(start, redis, tmp_path, codes):
    for _ in range(2):
        refuse_first(redis)
    assert "put back: 2" in outbox(redis, tmp_path, "--retry", UIC_SALT=OTHER_SALT)
    server = start(REDIS_URL=redis.url)
    eventually(lambda: len(server.records()) == 2, "the outbox is written")


def test_a_full_outbox_takes_no_more_back(redis, tmp_path, codes):
    refuse_first(redis)
    done = run_program("outbox", "--retry", cwd=tmp_path, REDIS_URL=redis.url, OUTBOX_MAX="1",
                       OUTBOX_ALARM="1")
    assert done.returncode == 1
    assert "OUTBOX_MAX" in done.stderr
    assert redis.command("XLEN", "uic:outbox:refused") == ["1"]


def test_without_redis_there_is_none(tmp_path):
    done = run_program("outbox", cwd=tmp_path)
    assert done.returncode == 1 and "REDIS_URL" in done.stderr
