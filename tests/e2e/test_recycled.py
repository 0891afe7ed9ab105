"""A number that was given out again, and who changed it: what one of its people asks for touches no other's
records, and leaves nothing of her own."""

import os
import pty
import subprocess

import meta
import pytest
from databases import numbers
from number_owners import LUC, NUMBER, OTHER, OTHER_USER, THIRD, USER, asked
from processes import PROGRAM, environment_for, eventually, run_program
from texts import JEAN, MARIE, code_in, message


def trace_count(database):
    return database.query("SELECT coalesce(sum(length(asked_by)), 0) FROM uic_records")


@pytest.mark.parametrize("later", ["sealed", "clear"])
def test_each_has_the_number_in_another_form(start, redis, database, erase, later):
    earlier = {"sealed": "clear", "clear": "sealed"}[later]
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url, PHONE_NUMBERS=earlier)
    hers = code_in(asked(server, NUMBER, USER, JEAN)[0])
    server.stop()
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url, PHONE_NUMBERS=later)
    others = code_in(asked(server, NUMBER, OTHER_USER, LUC)[0])
    done = erase("--phone", USER, "--delete", "--yes", PHONE_NUMBERS=later)
    assert "codes deleted: 1" in done.stdout, done.stderr
    assert [row[0] for row in numbers(database)] == [others] != [hers]


def test_who_asked_under_both_names_is_forgotten(start, redis, database, erase):
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    code = code_in(asked(server, NUMBER, None, JEAN)[0])
    before = trace_count(database)
    asked(server, OTHER, USER, JEAN)
    asked(server, THIRD, OTHER_USER, JEAN)
    with meta.Meta(server) as sender:
        sender.say(meta.system("user_changed_number", OTHER[1:], wa_id=THIRD[1:], user_id=OTHER_USER,
                          previous_user_id=USER))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "she is moved")
    each = 2 * int(before[0][0])
    assert trace_count(database) == [(str(each),)]  # two people, once each
    done = erase("--phone", OTHER_USER, "--yes")
    assert "records of others that forgot that it asked: 1" in done.stdout, done.stderr
    assert trace_count(database) == before
    assert asked(server, THIRD, OTHER_USER, JEAN) == [message("new_code", code=code)]


def test_who_stands_there_twice_is_forgotten(start, redis, database, erase):
    """As moves left it once, the time of each her own."""
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    asked(server, NUMBER, None, JEAN)
    before = trace_count(database)
    asked(server, OTHER, USER, JEAN)
    again = ("substr(asked_by, 1, 16) || '9'" if database.url.startswith("sqlite") else
             "substring(asked_by for 7) || '\\x99'::bytea")
    database.query(f"UPDATE uic_records SET asked_by = {again} || asked_by")
    assert erase("--phone", USER, "--yes").returncode == 0
    assert trace_count(database) == before


def test_without_a_user_id_a_change_moves_nothing(start, redis, database):
    """Whose records those of a number are, nobody knows then; the first owner's stay hers."""
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    code = code_in(asked(server, NUMBER, USER, JEAN)[0])
    luc = code_in(asked(server, NUMBER, None, LUC)[0])
    kept = database.query("SELECT phone_number, user_id, asked_by FROM uic_records ORDER BY id")
    with meta.Meta(server) as sender:
        assert sender.send(meta.request(meta.system("user_changed_number", NUMBER[1:], wa_id=THIRD[1:])))[0] == 200
    assert server.counts()["uic_meta_unmoved_total"] == 1
    assert server.counts()["uic_meta_moved_total"] == 0
    assert database.query("SELECT phone_number, user_id, asked_by FROM uic_records ORDER BY id") == kept
    assert asked(server, THIRD, None, JEAN, LUC) == [message("new_code", code=each) for each in (code, luc)]


def test_a_number_with_a_user_id_may_be_anothers_now(start, redis, database, erase, tmp_path):
    """The new owner never wrote; what she asks for is not the former owner's."""
    settings = dict(DATABASE_URL=database.url, REDIS_URL=redis.url)
    code = code_in(asked(start(**settings), NUMBER, USER, JEAN)[0])
    day = database.query("SELECT created_at FROM uic_records")[0][0][:10]
    refused = erase("--phone", NUMBER, "--yes")
    shown = run_program("records", "--phone", NUMBER, cwd=tmp_path, **settings)
    for finished in (refused, shown):
        assert finished.returncode == 1 and "--all" in finished.stderr and code not in finished.stdout
        assert "dites --phone avec l’identifiant" in finished.stderr
        assert "say --phone with the user id" in finished.stderr
        assert f"fiches / records: 1, depuis le / since {day}" in finished.stderr
    assert numbers(database)[0][1] == NUMBER
    dry = erase("--phone", NUMBER, "--dry-run")
    assert dry.returncode == 0 and f"since {day}" in dry.stderr and "number now: 1" in dry.stdout
    for name in ((USER,), (NUMBER, "--all")):
        shown = run_program("records", "--phone", *name, cwd=tmp_path, **settings)
        assert shown.returncode == 0 and code in shown.stdout
    for said, number in ((b"n\n", NUMBER), (b"o\n", "")):  # asked on a terminal, it is named
        master, slave = pty.openpty()
        with subprocess.Popen([PROGRAM, "erase", "--phone", NUMBER], stdin=slave, cwd=tmp_path, text=True,
                              env=environment_for(**settings), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            os.write(master, said)
            output, told = process.communicate()
        os.close(master)
        os.close(slave)
        assert "Go on?" in output and f"since {day}" in told
        assert numbers(database)[0][1] == number


def test_who_registered_nothing_is_found_by_what_came_together(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    code = code_in(asked(server, NUMBER, None, MARIE)[0])
    asked(server, OTHER, USER, MARIE)
    by_number = erase("--phone", OTHER, "--yes")
    assert by_number.returncode == 1 and "--all" in by_number.stderr
    assert asked(server, OTHER, USER, MARIE) == [message("existing_code", code=code)]
    assert "forgot that it asked: 1" in erase("--phone", USER, "--yes").stdout
    assert asked(server, OTHER, USER, MARIE) == [message("new_code", code=code)]
