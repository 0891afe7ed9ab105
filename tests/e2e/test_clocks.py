"""Clocks that are wrong: nothing that cannot be brought back is lost to one. The program gets another
wall clock; Redis and PostgreSQL keep theirs. Replies that nobody takes lie in Redis, lest each server waits
for them at its end."""

import re
import time

import meta
import pytest
from databases import audit
from meta import Meta, request, text
from processes import WallClock, eventually, run_program
from test_meta import graph  # noqa: F401, a fixture
from texts import JEAN

DAY = 24 * 3600
YEARS = 6 * 365 * DAY
RETENTION = {"RETENTION_DAYS": 1825, "UIC_TEST_RETENTION_SECONDS": 1}


@pytest.fixture
def clock(tmp_path):
    return WallClock(tmp_path / "clock")


def add(database, count, days, name):
    """Makes so many codes that somebody asked for that many days ago last."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(time.time() - days * DAY))
    is_postgres = database.url.startswith("postgres")
    digest = f"decode(md5('{name}' || n), 'hex')" if is_postgres else f"'{name}' || n"
    cast = "+00'::timestamptz" if is_postgres else "'"
    database.query("WITH RECURSIVE s(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM s WHERE n <"
                   f" {count}) INSERT INTO uic_records (uic_code, phone_number, input_hash,"
                   f" created_at, last_requested_at) SELECT '{name}' || n, '+2438' || n, {digest},"
                   f" '{moment}{cast}, '{moment}{cast} FROM s")


def swept(server, times):
    """So many sweeps from now on have looked through all codes."""
    until = server.counts()["uic_retention_sweeps_total"] + times
    eventually(lambda: server.counts()["uic_retention_sweeps_total"] >= until, f"{times} sweeps")


def register(server, *answers):
    number = meta.new_number()
    with Meta(server) as sender:
        for said in ("Bonjour", *answers):
            sender.say(text(number, said))


def retention(tmp_path, database, *arguments, days=1825, **settings):
    done = run_program("retention", *arguments, cwd=tmp_path, DATABASE_URL=database.url,
                       RETENTION_DAYS=days, LANG="en_GB.UTF-8", **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("small", [True, False], ids=["few codes", "many codes"])
def test_a_clock_six_years_fast_removes_nothing(start, redis, database, clock, small):
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url, **meta.SETTINGS, **RETENTION}
    start(**settings).stop()
    add(database, 20 if small else 1200, 10, "X")
    clock.shift(YEARS)
    server = start(**settings, **clock.settings())
    before = {code for _, code in codes(database)}
    swept(server, 3)
    register(server, *JEAN)  # now there is a record from the year that the clock says
    swept(server, 3)
    assert before < {code for _, code in codes(database)}
    assert len(codes(database)) == len(before) + 1 and audit(database) == []
    assert meta.waiting(redis) == 6
    if database.url.startswith("sqlite"):  # PostgreSQL knows better what time it is
        assert server.log().count("CRITICAL retention_held") >= 6
        assert server.counts()["uic_retention_held"] == len(before)
    assert server.counts()["uic_records_retired_total"] == 0


def codes(database):
    return database.query("SELECT id, uic_code FROM uic_records ORDER BY id")


def test_a_clock_that_jumps_while_the_server_runs_removes_nothing(start, redis, database, clock):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url, **meta.SETTINGS, **RETENTION, **clock.settings())
    add(database, 20, 10, "X")
    swept(server, 1)
    clock.shift(YEARS)
    register(server, *JEAN)
    swept(server, 3)
    assert len(codes(database)) == 21
    clock.shift(0)  # mended: what is due goes, and no more
    add(database, 2, 1830, "OLD")
    eventually(lambda: len(codes(database)) == 21, "the two are gone")
    swept(server, 1)
    assert not any(code.startswith("OLD") for _, code in codes(database))


def test_codes_of_a_clock_that_was_slow_for_an_hour_are_kept(start, redis, database, clock):
    """A machine without a battery starts years back and is set right before the first sweep."""
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url, **meta.SETTINGS, **clock.settings()}
    clock.shift(-YEARS)
    server = start(**settings)
    add(database, 5, 10, "X")
    register(server, *JEAN)
    clock.shift(0)
    register(server, "1990", *JEAN[1:])
    server.stop()
    server = start(**settings, **RETENTION)
    add(database, 1, 1826, "OLD")
    eventually(lambda: server.counts()["uic_records_retired_total"] == 1, "what is due is gone")
    swept(server, 1)
    assert len(codes(database)) == 7 and not any(code == "OLD1" for _, code in codes(database))


def test_a_slow_clock_refuses_no_birth_year_up_to_the_build(start, redis, clock):
    clock.shift(-YEARS)
    server = start(REDIS_URL=redis.url, **meta.SETTINGS, **clock.settings())
    register(server, str(time.gmtime().tm_year - 1), *JEAN[1:])
    eventually(lambda: len(server.records()) == 1, "the year is taken")


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by the server"])
def test_with_a_right_clock_exactly_those_that_are_due_go(start, tmp_path, database, by_hand):
    server = start(DATABASE_URL=database.url, RETENTION_DAYS=1825)
    add(database, 1000, 1824, "NEW")
    add(database, 90, 1826, "OLD")
    assert "retention_begins days=1825 first_sweep_after_seconds=3600" in server.log()
    if by_hand:
        assert "in 1825 days: 90 of 1090" in retention(tmp_path, database)
        assert len(codes(database)) == 1090
        assert "codes deleted: 90" in retention(tmp_path, database, "--run")
        assert [line[0] for line in audit(database)] == ["retention"]
        assert audit(database)[0][2].startswith("command line")
    else:
        add(database, 1, 1, "TODAY")
        assert "held back by: nothing" in retention(tmp_path, database)
        start(DATABASE_URL=database.url, **RETENTION)
        eventually(lambda: len(codes(database)) == 1001, "the old codes are gone")
        assert {line[2] for line in audit(database)} == {"server"}
    assert not any(code.startswith("OLD") for _, code in codes(database))


def test_more_than_a_tenth_are_held_back_and_let_go_once(start, tmp_path, database):
    server = start(DATABASE_URL=database.url, **RETENTION)
    add(database, 890, 1, "NEW")
    add(database, 110, 1826, "OLD")
    swept(server, 2)
    assert len(codes(database)) == 1000 and server.counts()["uic_retention_held"] == 110
    assert "CRITICAL retention_held reason=\"more than a tenth of all records\" due=110" \
        " records=1000 days=1825" in server.log()
    assert "held back by: more than a tenth of all records" in retention(tmp_path, database)
    assert "codes deleted: 110" in retention(tmp_path, database, "--run")
    add(database, 110, 1826, "AGAIN")
    swept(server, 2)
    assert len(codes(database)) == 1000 and server.counts()["uic_retention_held"] == 110


def test_when_nobody_wrote_for_a_month_it_is_held_back(start, tmp_path, database):
    server = start(DATABASE_URL=database.url, **RETENTION)
    add(database, 20, 31, "NEW")
    add(database, 1, 1826, "OLD")
    swept(server, 2)
    assert len(codes(database)) == 21
    assert "the clock is more than 30 days beyond the newest record" in server.log()
    assert "held back by: the clock is more than 30 days" in retention(tmp_path, database)
    add(database, 1, 0, "TODAY")
    # The clock went on 31 days while nobody looked; it is believed a day more at each sweep.
    eventually(lambda: len(codes(database)) == 21, "the old one is gone")


def test_the_command_goes_by_the_earlier_clock(start, tmp_path, database, clock):
    start(DATABASE_URL=database.url).stop()
    add(database, 20, 10, "X")
    clock.shift(YEARS)
    said = retention(tmp_path, database, **clock.settings())
    due = 0 if database.url.startswith("postgres") else 20
    assert f"in 1825 days: {due} of 20" in said
    assert ("held back by: the clock is more than 30 days" in said) == (due > 0)
    assert "no code is ever removed" in retention(tmp_path, database, days=0)


@pytest.mark.parametrize("ahead", [0, 20 * 60, -20 * 60, YEARS, -YEARS])
def test_a_message_of_meta_is_answered_whatever_our_clock_says(start, redis, clock, ahead):
    clock.shift(ahead)
    server = start(REDIS_URL=redis.url, **meta.SETTINGS, **clock.settings())
    register(server, *JEAN)
    assert meta.waiting(redis) == 6 and len(server.records()) == 1
    assert 'uic_meta_ignored_total{reason="old"} 0' in server.get("/metrics")[1]


def test_a_reply_that_waits_does_not_grow_old_by_a_jump(start, redis, clock):
    server = start(REDIS_URL=redis.url, **meta.SETTINGS, **clock.settings())
    with Meta(server) as sender:
        sender.say(text(meta.new_number(), "Bonjour"))
        clock.shift(YEARS)
        sender.say(text(meta.new_number(), "Bonjour"))
    retried = 'uic_replies_retried_total{reason="unreachable"}'
    before = server.counts()[retried]
    eventually(lambda: server.counts()[retried] > before + 2, "both are tried again")
    assert meta.waiting(redis) == 2


@pytest.mark.parametrize("ahead", [20 * 60, -20 * 60])
def test_a_clock_that_differs_from_metas_is_told(start, redis, clock, ahead):
    clock.shift(ahead)
    server = start(REDIS_URL=redis.url, **meta.SETTINGS, **clock.settings())
    with Meta(server) as sender:
        for _ in range(3):
            sender.say(text(meta.new_number(), "Bonjour"))
        found, = eventually(lambda: re.findall(r"WARNING meta_clock_differs ours_ahead_seconds=(-?\d+)",
                                               server.log()), "it is told once")
        assert abs(int(found) - ahead) < 60
        assert abs(server.counts()["uic_meta_clock_difference_seconds"] - abs(ahead)) < 60


def test_a_day_behind_the_newest_message_is_too_late(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=2, **meta.SETTINGS)
    now = time.time()

    def say(at):  # on a connection of its own, so at either worker
        with Meta(server) as sender:
            sender.say(text(meta.new_number(), "Bonjour", at=at))
        return meta.waiting(redis)

    assert say(now - 30 * DAY) == 1  # nothing newer is known
    assert say(now) == 2
    assert say(now - 23 * 3600) == 3
    for _ in range(8):
        assert say(now - 25 * 3600) == 3
    # A message from the year 2100 is answered, and is nobody's measure.
    assert say(4102444800) == 4
    assert say(now) == 5
    assert 'uic_meta_ignored_total{reason="old"} 8' in server.get("/metrics")[1]


@pytest.mark.parametrize("ahead, verdict, code", [(0, "ok", 0), (-120, "hint", 0), (20 * 60, "bad", 1)])
def test_check_compares_our_clock(tmp_path, database, graph, clock, ahead, verdict, code):
    settings = {"DATABASE_URL": database.url, **meta.SETTINGS, "META_GRAPH_URL": graph, **clock.settings()}
    assert run_program("init-db", cwd=tmp_path, **settings).returncode == 0
    clock.shift(ahead)
    done = run_program("check", cwd=tmp_path, **settings)
    assert done.returncode == code, done.stdout
    found = re.findall(r"^(\w+) +clock: ours is (\d+) s (ahead of|behind) (the database's|Meta's)$",
                       done.stdout, re.M)
    # SQLite has no clock of its own.
    assert [line[3] for line in found] == (["the database's"] if "postgres" in database.url else []) + ["Meta's"]
    for line in found:
        assert line[0] == verdict and abs(int(line[1]) - abs(ahead)) < 30, line
        assert line[2] == ("behind" if ahead < 0 else "ahead of") or ahead == 0
    quiet = run_program("check", "--quiet", cwd=tmp_path, **settings)
    assert quiet.returncode == {"ok": 0, "hint": 1, "bad": 2}[verdict] or verdict == "ok", quiet.stdout
