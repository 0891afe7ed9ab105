"""An instance with another salt beside the right one, while the database is away, and when it is back:
it is refused as soon as anybody can know, it leaves with code 3, and the right one loses nothing."""

import itertools
import re

import pytest
from phone import Phone
from processes import PATIENCE, eventually, free_port, run_program
from texts import JEAN, code_in

OTHER_SALT = "another-Salt_0123456789"
MARK = "uic:marks"


def person(number):
    """Answers that are nobody else's."""
    return (str(1950 + number), *JEAN[1:])


def told(server, number):
    with Phone(server) as phone:
        return code_in(phone.say_all("Bonjour", *person(number)))


def lines(log, event):
    return [line for line in log.splitlines() if event in line]


def ended(server):
    """Waits for the end that the server comes to by itself; its exit code."""
    server.checked = True
    code = server.process.wait(PATIENCE)
    if code != 3:
        print(server.log())  # shown when the test fails
    return code


def refused(redis):
    return redis.command("XLEN", "uic:outbox:refused") == ["0"]


def codes(postgres):
    return {code for code, *_ in postgres.records()}


def test_redis_refuses_another_salt_while_the_database_is_away(start, redis, postgres):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url}
    right = start(**settings)
    before = told(right, 1)
    eventually(lambda: redis.keys(MARK), "the mark")
    assert redis.command("TTL", MARK) == ["-1"]
    postgres.stop()
    eventually(lambda: right.status_of("/ready") == 503, "the database is away")

    done = run_program("serve", cwd=right.directory, HOST="127.0.0.1", PORT=free_port(), UIC_SALT=OTHER_SALT,
                       **settings)
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    (line,) = lines(said, "stores_of_another_salt")
    assert "CRITICAL" in line and MARK in line and "code 3" in line
    assert OTHER_SALT not in said

    meanwhile = {told(right, 2), told(right, 3)}
    postgres.start()
    eventually(lambda: codes(postgres) == {before} | meanwhile, "what was told is written")
    assert refused(redis)
    assert right.running


def test_without_a_mark_the_database_refuses_it_when_it_is_back(start, redis, postgres):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url}
    first = start(**settings)
    before = told(first, 1)
    first.stop()
    redis.command("DEL", MARK)
    postgres.stop()
    right = start(wait_for="/health", **settings)
    wrong = start(wait_for="/health", UIC_SALT=OTHER_SALT, STOP_DELAY_SECONDS="30", **settings)
    of_right = {told(right, number) for number in range(2, 7)}
    of_wrong = {told(wrong, number) for number in range(2, 7)}
    assert not of_right & of_wrong
    assert redis.command("XLEN", "uic:outbox") == ["10"]

    postgres.start()
    served = itertools.takewhile(lambda _: wrong.running, range(10, 60))
    of_right |= {told(right, number) for number in served}
    assert ended(wrong) == 3
    (line,) = lines(wrong.log(), "stores_of_another_salt")
    assert "CRITICAL" in line and "UIC_SALT" in line
    of_right.add(told(right, 60))
    eventually(lambda: codes(postgres) == {before} | of_right, "what was told is written")
    # What the wrong one told is nobody's to write, and is not thrown away either.
    assert refused(redis)
    eventually(lambda: right.counts()["uic_outbox_foreign"] == 5, "its entries are left")
    assert redis.command("XLEN", "uic:outbox") == ["5"]
    assert len(lines(right.log(), "outbox_of_another_salt")) == 1
    assert right.running and right.status_of("/ready") == 200
    eventually(lambda: redis.keys(MARK), "the mark of whom the database confirmed")


def test_before_the_first_code_redis_has_no_mark(start, redis, tmp_path):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    start(**settings).stop()
    other = start(UIC_SALT=OTHER_SALT, **settings)
    assert redis.keys(MARK) == []
    told(other, 1)
    eventually(lambda: redis.keys(MARK), "the mark")
    other.stop()
    done = run_program("check", cwd=tmp_path, REDIS_URL=redis.url)
    assert done.returncode == 1
    assert "bad   Redis" in done.stdout and MARK in done.stdout, done.stdout


def salt_kept(postgres):
    return postgres.query("SELECT value FROM uic_marks WHERE name = 'salt'")


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_on_a_new_database_the_first_code_binds(start, redis, postgres, first):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url}
    servers = [start(**settings), start(UIC_SALT=OTHER_SALT, **settings)]
    stays, leaves = servers[first], servers[1 - first]
    code = told(stays, 1)
    assert ended(leaves) == 3
    assert len(lines(leaves.log(), "stores_of_another_salt")) == 1
    assert codes(postgres) == {code}
    kept = salt_kept(postgres)
    stays.stop()
    redis.command("DEL", MARK)
    stays.start()
    told(stays, 2)
    assert stays.running and salt_kept(postgres) == kept


def test_without_redis_the_database_refuses_the_second_ones_first_code(start, postgres):
    right = start(DATABASE_URL=postgres.url)
    wrong = start(DATABASE_URL=postgres.url, UIC_SALT=OTHER_SALT)
    code = told(right, 1)
    with Phone(wrong) as phone:
        phone.say_all("Bonjour", *person(2))
    assert ended(wrong) == 3
    (line,) = lines(wrong.log(), "stores_of_another_salt")
    assert "UIC_SALT" in line
    assert codes(postgres) == {code}


def test_a_start_on_an_emptied_database_leaves_the_mark_as_it_is(start, redis, postgres):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url}
    right = start(**settings)
    told(right, 1)
    eventually(lambda: redis.keys(MARK), "the mark")
    kept = salt_kept(postgres)
    postgres.query("DELETE FROM uic_records")
    done = run_program("serve", cwd=right.directory, HOST="127.0.0.1", PORT=free_port(), UIC_SALT=OTHER_SALT,
                       **settings)
    assert done.returncode == 3
    assert salt_kept(postgres) == kept
    told(right, 2)
    right.stop()
    right.start()
    told(right, 3)


def looks(redis):
    """How often a mark was asked for."""
    return int(re.search(r"cmdstat_get:calls=(\d+)", "\n".join(redis.command("INFO", "commandstats")))[1])


def cut(redis):
    """Every connection is new, and is asked whose Redis it finds."""
    for client in redis.command("CLIENT", "LIST"):
        redis.command("CLIENT", "KILL", "ID", client.split()[0].removeprefix("id="))


def test_a_mark_that_is_written_over_ends_nobody_who_is_confirmed(start, redis, postgres):
    """Whoever can write one key of Redis cannot end every instance."""
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url, "WORKERS": "2"}
    servers = [start(**settings), start(**settings)]
    for number, server in enumerate(servers):
        told(server, number)
    mark = eventually(lambda: redis.command("GET", MARK)[0], "the mark")
    seen = looks(redis)
    eventually(lambda: looks(redis) >= seen + 4, "both have looked")

    redis.command("SET", MARK, "of another")
    cut(redis)
    for number, server in enumerate(servers):
        told(server, 10 + number)
    eventually(lambda: redis.command("GET", MARK) == [mark], "the mark is put right")
    assert all(server.running and server.status_of("/ready") == 200 for server in servers)
    said = [line for server in servers for line in lines(server.log(), "redis_mark_overwritten")]
    assert 1 <= len(said) <= 2 and all("CRITICAL" in line and MARK in line for line in said)
    assert len(codes(postgres)) == 4


def test_a_mark_that_appears_ends_whoever_is_not_confirmed(start, redis, tmp_path):
    server = start(REDIS_URL=redis.url, DATABASE_URL=f"sqlite:///{tmp_path}/records.db")
    redis.command("SET", MARK, "of another")
    assert ended(server) == 3
    (line,) = lines(server.log(), "stores_of_another_salt")
    assert MARK in line


def test_a_start_finds_another_mark(start, redis, tmp_path):
    """Two programmes may have one Redis by mistake: the second does not get in, also with codes of its own."""
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    server = start(**settings)
    told(server, 1)
    server.stop()
    redis.command("SET", MARK, "of another")
    done = run_program("serve", cwd=tmp_path, HOST="127.0.0.1", PORT=free_port(), **settings)
    assert done.returncode == 3
    assert redis.command("GET", MARK) == ["of another"]


def test_a_connection_to_another_ones_redis_ends_it(start, redis, tmp_path):
    """What is under way when it is found is answered, and nothing more is served."""
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    server = start(WORKERS="2", **settings)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN[:-1])
        server.stop()
        server.start()
        redis.command("SET", MARK, "of another")
        cut(redis)
        assert ended(server) == 3
    assert server.records() == []
