"""A person who wants to be forgotten: the number is nowhere afterwards. And codes that nobody asked for
in years."""

import os
import pty
import pwd
import re
import subprocess

import meta
import pytest
from databases import assert_nowhere, audit, numbers, register
from phone import Phone
from processes import PATIENCE, PROGRAM, environment_for, eventually, run_program
from texts import JEAN, MARIE, code_in, message

ME = pwd.getpwuid(os.getuid()).pw_name
NUMBER, OTHER = "+243899111222", "+243899111333"
TOTALS = "SELECT sum(request_count), count(*) FROM uic_records"


def totals_of(database):
    """What the statistics show, where they stand in a table of their own."""
    if database.url.startswith("sqlite"):
        return None
    return database.query("SELECT sum(new_codes), sum(new_phones), sum(requests) FROM uic_totals")


def test_the_number_goes_and_the_code_stays(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    codes = register(server, NUMBER, JEAN, MARIE)
    (other,) = register(server, OTHER, ("1991", "Boma", "Luc", "3", "Ilunga"))
    database.query(f"UPDATE uic_records SET notes = 'mère : {NUMBER}, {NUMBER[1:]}.'"
                   f" WHERE phone_number = '{OTHER}'")
    with Phone(server, NUMBER) as phone:
        phone.say("Bonjour")  # a conversation is open
        sessions = len(redis.keys("uic:[sm]:*"))
        totals = database.query(TOTALS), totals_of(database)

        dry = erase("--phone", NUMBER, "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert "records without their number now: 2" in dry.stdout
        assert [row[1] for row in numbers(database)] == [NUMBER, NUMBER, OTHER] and audit(database) == []
        assert len(redis.keys("uic:[sm]:*")) == sessions

        done = erase("--phone", NUMBER, "--yes", SUDO_USER="somebody-else")
        assert done.returncode == 0, done.stderr
        assert "records without their number now: 2" in done.stdout
        assert "conversations forgotten: 1" in done.stdout
        assert "notes of others without the number now: 1" in done.stdout
        assert numbers(database) == [(codes[0], "", "1"), (codes[1], "", "1"), (other, OTHER, "1")]
        assert len(redis.keys("uic:[sm]:*")) == sessions - 2
        ((action, count, author),) = audit(database)
        assert (action, count) == ("number removed", "2") and author.startswith(f"command line ({ME}")
        assert NUMBER not in done.stdout
        assert (database.query(TOTALS), totals_of(database)) == totals
        assert_nowhere(NUMBER, database, redis, server)

        # The person begins anew and finds the code, and is told nothing about having been here.
        assert "1985" in JEAN and code_in(phone.say_all("Bonjour", *JEAN)) == codes[0]
    assert numbers(database)[0] == (codes[0], "", "2")
    assert_nowhere(NUMBER, database, redis, server)
    again = erase("--phone", NUMBER, "--yes")
    assert again.returncode == 0 and "records without their number now: 0" in again.stdout


def test_records_of_others_forget_that_the_number_asked(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    (code,) = register(server, OTHER, JEAN)
    register(server, NUMBER, JEAN)

    def asked():
        return database.query("SELECT length(asked_by) FROM uic_records")

    remembered = asked()
    register(server, NUMBER, JEAN)  # and twice is once
    assert asked() == remembered
    done = erase("--phone", NUMBER, "--dry-run")
    assert "records of others that forgot that it asked: 1" in done.stdout, done.stderr
    assert asked() == remembered
    done = erase("--phone", NUMBER, "--yes")
    assert done.returncode == 0, done.stderr
    assert "records without their number now: 0" in done.stdout
    assert "records of others that forgot that it asked: 1" in done.stdout
    assert int(asked()[0][0]) * 2 == int(remembered[0][0])
    assert [row[:2] for row in audit(database)] == [("number removed", "0")]
    with Phone(server, NUMBER) as phone:
        assert phone.say_all("Bonjour", *JEAN) == message("new_code", code=code)
    with Phone(server, OTHER) as phone:
        assert phone.say_all("Bonjour", *JEAN) == message("existing_code", code=code)
    # By the code, nothing of whoever asked for it is left.
    assert erase("--code", code, "--yes").returncode == 0
    assert database.query("SELECT count(*) FROM uic_records WHERE asked_by IS NULL"
                          " AND phone_number = ''") == [("1",)]


@pytest.mark.parametrize("written", ["whatsapp:+243899111222", "\u202a+243\u00a0899-111-222\u202c"])
def test_a_number_may_be_written_in_several_ways(start, redis, database, erase, written):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    register(server, NUMBER, JEAN)
    assert "number now: 1" in erase("--phone", written, "--yes").stdout


def test_the_code_goes_too(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    codes = register(server, NUMBER, JEAN, MARIE)
    done = erase("--code", codes[0], "--delete", "--yes")
    assert done.returncode == 0 and "codes deleted: 1" in done.stdout
    assert numbers(database) == [(codes[1], NUMBER, "1")]
    done = erase("--code", codes[1], "--yes")
    assert "records without their number now: 1" in done.stdout
    assert numbers(database) == [(codes[1], "", "1")]
    assert [line[:2] for line in audit(database)] == [("code deleted", "1"), ("number removed", "1")]
    (code,) = register(server, NUMBER, JEAN)  # the same answers make it anew
    assert code == codes[0]
    done = erase("--phone", NUMBER, "--delete", "--yes")
    assert "codes deleted: 1" in done.stdout
    assert_nowhere(NUMBER, database, redis, server)


def test_records_on_their_way_lose_their_number_too(start, redis, database, erase, tmp_path):
    """They wait in the outbox while a server that has not the right to write cannot settle them."""
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    codes = register(server, NUMBER, JEAN)
    server.stop()
    # What a server puts into the outbox, put by one whose database is away; nobody empties it now.
    away = start(DATABASE_URL="postgresql://uic@127.0.0.1:1/uic", REDIS_URL=redis.url, wait_for="/health")
    (on_the_way,) = register(away, NUMBER, MARIE)
    register(away, OTHER, ("1991", "Boma", "Luc", "3", "Ilunga"))
    away.stop()
    assert redis.command("XLEN", "uic:outbox") == ["2"]
    redis.command("XADD", "uic:outbox:refused", "*", "sealed", "not ours", "why", "x")
    dry = erase("--phone", NUMBER, "--dry-run")
    assert "records on their way to the database: 1" in dry.stdout, dry.stderr
    done = erase("--phone", NUMBER, "--yes")
    assert done.returncode == 0, done.stderr
    assert "records on their way to the database: 1" in done.stdout
    assert "nobody can tell whose they are: 1" in done.stdout
    assert redis.command("XLEN", "uic:outbox") == ["2"]
    assert audit(database)[0][:2] == ("number removed", "2")

    again = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    eventually(lambda: len(numbers(database)) == 3, "the outbox is written")
    assert {row[:2] for row in numbers(database)} >= {(codes[0], ""), (on_the_way, "")}
    assert OTHER in {row[1] for row in numbers(database)}
    assert_nowhere(NUMBER, database, redis, again, away)


def test_with_delete_what_is_on_its_way_never_arrives(start, redis, database, erase):
    start(DATABASE_URL=database.url, REDIS_URL=redis.url).stop()
    away = start(DATABASE_URL="postgresql://uic@127.0.0.1:1/uic", REDIS_URL=redis.url, wait_for="/health")
    (code,) = register(away, NUMBER, MARIE)
    away.stop()
    done = erase("--code", code, "--delete", "--yes")
    assert done.returncode == 0 and "on their way to the database: 1" in done.stdout, done.stderr
    assert redis.command("XLEN", "uic:outbox") == ["0"]


def test_a_conversation_through_meta_and_its_unsent_replies_go(start, redis, database, erase):
    """Meta cannot be reached, so what would be said waits."""
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    with meta.Meta(server) as sender:
        for number in (NUMBER, OTHER):
            sender.say(meta.text(number[1:], "Bonjour"), meta.text(number[1:], "1985"))
    eventually(lambda: meta.waiting(redis) == 4, "replies wait")
    dry = erase("--phone", NUMBER, "--dry-run", **meta.SETTINGS)
    assert "replies unsent: 2" in dry.stdout and "conversations forgotten: 1" in dry.stdout, dry.stderr
    assert meta.waiting(redis) == 4
    done = erase("--phone", NUMBER, "--yes", **meta.SETTINGS)
    assert "replies unsent: 2" in done.stdout and "conversations forgotten: 1" in done.stdout
    assert meta.waiting(redis) == 2
    assert_nowhere(NUMBER, database, redis, server)


def test_it_asks_on_a_terminal_and_refuses_without_one(start, redis, database, erase, tmp_path):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    register(server, NUMBER, JEAN)
    done = erase("--phone", NUMBER)
    assert done.returncode == 1 and "--yes" in done.stderr
    for answer, status, left in ((b"no\n", 1, NUMBER), (b"\n", 1, NUMBER), (b"o\n", 0, "")):
        master, slave = pty.openpty()
        process = subprocess.Popen([PROGRAM, "erase", "--phone", NUMBER], stdin=slave, cwd=tmp_path,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=environment_for(DATABASE_URL=database.url, REDIS_URL=redis.url))
        os.write(master, answer)
        said = process.communicate(timeout=PATIENCE)[0].decode()
        os.close(master)
        os.close(slave)
        assert process.returncode == status, said
        assert "from 1 record for good" in said and "retiré de 1 fiche, " in said
        assert "Continuer ? / Go on? [o/N]" in said
        assert numbers(database)[0][1] == left


def test_a_number_that_nobody_has_is_told(start, redis, database, erase):
    start(DATABASE_URL=database.url, REDIS_URL=redis.url).stop()
    for options in (["--dry-run"], ["--yes"], []):  # and there is nothing to ask
        done = erase("--phone", NUMBER, *options)
        assert done.returncode == 0 and "nobody has this number" in done.stdout
        done = erase("--code", "985-KINS-15-JEA-KABI-A3F9D", *options)
        assert done.returncode == 0 and "aucune fiche n’a ce code\nno record has this code" in done.stdout
        assert "hint" not in done.stdout and "note" not in done.stdout
    assert audit(database) == []


def test_copies_that_no_sweep_takes_are_named(start, redis, database, erase, tmp_path):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    register(server, NUMBER, JEAN)
    (tmp_path / "data").mkdir(exist_ok=True)
    aside = tmp_path / "data/codes.db.before-restore-20260101T000000Z"
    aside.touch()
    done = erase("--phone", NUMBER, "--yes")
    assert done.returncode == 0 and "sauvegardes" in done.stdout and "backups" in done.stdout
    assert (str(aside) in done.stdout) == database.url.startswith("sqlite")


def test_the_wrong_salt_is_refused(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    with Phone(server) as phone:
        code_in(phone.say_all("Bonjour", *JEAN))
    server.stop()
    done = erase("--phone", NUMBER, "--yes", UIC_SALT="Another-Salt_12345")
    assert done.returncode == 3 and "UIC_SALT" in done.stderr


def old_records(database, count, newer="n % 4 = 0"):
    """Makes so many codes that nobody asked for since 2020, but for newer ones among them."""
    is_postgres = database.url.startswith("postgres")
    digest = "decode(md5('o' || n), 'hex')" if is_postgres else "'old' || n"
    series = (f"generate_series(1, {count}) AS s(n)" if is_postgres else
              f"(WITH RECURSIVE s(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM s WHERE n < {count})"
              " SELECT n FROM s)")
    database.query("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
                   f" last_requested_at) SELECT 'OLD' || n, '+24380000' || n, {digest},"
                   f" '2019-01-01 00:00:00.000000', CASE WHEN {newer} THEN '2999-01-01 00:00:00.000000'"
                   f" ELSE '2020-01-01 00:00:00.000000' END{'::timestamptz' if is_postgres else ''}"
                   f" FROM {series}")


def test_old_codes_by_hand(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    register(server, NUMBER, JEAN)
    old_records(database, 1200)
    dry = erase("--older-than", "365", "--dry-run")
    assert "codes deleted: 900" in dry.stdout and len(numbers(database)) == 1201
    done = erase("--older-than", "365", "--yes")
    assert done.returncode == 0 and "codes deleted: 900" in done.stdout, done.stderr
    assert len(numbers(database)) == 301
    assert [line[:2] for line in audit(database)] == [("retention", "500"), ("retention", "400")]


def test_the_server_removes_old_codes_by_itself(start, redis, database):
    start(DATABASE_URL=database.url, REDIS_URL=redis.url).stop()
    old_records(database, 9500, newer="n % 10 <> 0")
    quiet = start(DATABASE_URL=database.url, REDIS_URL=redis.url)  # not unless told
    register(quiet, NUMBER, JEAN)
    quiet.stop()
    assert len(numbers(database)) == 9501
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url, RETENTION_DAYS="365",
                   UIC_TEST_RETENTION_SECONDS="1", WORKERS="2")
    second = start(DATABASE_URL=database.url, REDIS_URL=redis.url, RETENTION_DAYS="365",
                   UIC_TEST_RETENTION_SECONDS="1")
    assert register(server, NUMBER, JEAN)  # others go on meanwhile
    eventually(lambda: len(numbers(database)) == 8551, "the old codes are gone")
    assert {line[0] for line in audit(database)} == {"retention"}
    assert sum(int(line[1]) for line in audit(database)) == 950
    assert all(int(line[1]) <= 500 for line in audit(database))
    assert {line[2] for line in audit(database)} == {"server"}

    def removed():
        return sum(int(count) for instance in (server, second)
                   for count in re.findall(r"event=retention removed=(\d+)|retention removed=(\d+)",
                                           instance.log()) for count in count if count)

    eventually(lambda: removed() == 950, "the log tells how many")
    metrics = server.get("/metrics")[1] + second.get("/metrics")[1]
    assert sum(int(value) for value in re.findall(r"^uic_records_retired_total (\d+)", metrics, re.M)) == 950


def test_arguments(tmp_path):
    for arguments in ((), ("--phone", NUMBER, "--code", "X"), ("--phone", "x"), ("--phone", "0812345678"),
                      ("--phone", "243899111222"), ("--phone", "++243899111222"), ("--phone", "+2430899111222"), ("--older-than", "0"), ("--older-than", "4294967297"),
                      ("--older-than", "many"), ("--code", "X", "--keep-code", "--delete"),
                      ("--again", "--delete"), ("--again", "--phone", NUMBER),
                      ("--phone", NUMBER, "more")):
        done = run_program("erase", *arguments, cwd=tmp_path)
        assert done.returncode == 2 and "expected" in done.stderr, arguments
