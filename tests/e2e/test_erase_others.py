"""What erasing a person leaves to others: a number's records that are nobody's, who has moved away from it, who
is still on the way into the records; and that she does not slip through while the command asks."""

import os
import pty
import subprocess

import meta
import pytest
from databases import numbers
from number_owners import (LUC, NUMBER, OTHER, OTHER_USER, THIRD, USER, asked, carried_out, hidden, id_changed,
                           move, number_changed)
from processes import PATIENCE, PROGRAM, SALT, environment_for, eventually
from texts import JEAN, MARIE, code_in, message

UNREACHABLE = "postgresql://uic@127.0.0.1:1/uic"


@pytest.fixture
def server(start, redis, database):
    return start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})


def codes(database):
    return [row[0] for row in numbers(database)]


@pytest.fixture
def backup(script, database, tmp_path):
    """backup() -> a backup of records that were made in another minute than is now."""
    settings = {"DATABASE_URL": database.url, "UIC_SALT": SALT, "WHATSAPP_UIC": str(PROGRAM)}

    def run():
        at = "2020-01-01 00:00:00"
        database.query(f"UPDATE uic_records SET created_at = '{at}', last_requested_at = '{at}'")
        database.query("UPDATE uic_links SET since = '2020-01-01'")
        assert script("backup", "--directory", tmp_path / "kept", **settings).returncode == 0
        (made,) = (tmp_path / "kept").glob("whatsapp-uic-*")
        return made

    def restore(made):
        done = script("restore", "--force", made, **settings)
        assert done.returncode == 0, done.stdout + done.stderr

    run.restore = restore
    return run


def alone_behind_her(server):
    """JEAN is USER's; LUC is nobody's, whom the number registered alone when her id was known."""
    asked(server, NUMBER, USER, JEAN)
    return code_in(asked(server, NUMBER, None, LUC)[0])


def assert_nobodys(server, database, erase, luc):
    """Of a number on which only LUC is left."""
    assert codes(database) == [luc]
    assert asked(server, NUMBER, OTHER_USER, MARIE, LUC)[1] == message("new_code", code=luc)
    assert erase("--phone", OTHER_USER, "--delete", "--yes").returncode == 0
    assert codes(database) == [luc]


def test_what_is_nobodys_is_not_the_next_owners(server, database, erase):
    luc = alone_behind_her(server)
    assert erase("--phone", USER, "--delete", "--yes").returncode == 0
    assert_nobodys(server, database, erase, luc)
    assert erase("--phone", NUMBER, "--all", "--delete", "--yes").returncode == 0
    assert codes(database) == [] and database.query("SELECT count(*) FROM uic_links") == [("0",)]


def test_nor_when_she_is_erased_again(start, redis, server, database, erase, backup):
    luc = alone_behind_her(server)
    made = backup()
    assert erase("--phone", USER, "--delete", "--yes").returncode == 0
    server.stop()
    backup.restore(made)
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    assert_nobodys(server, database, erase, luc)


def test_who_moved_away_comes_back_with_a_backup(server, database, erase, backup):
    """Though the number's next owner was erased by the number."""
    jean = code_in(asked(server, NUMBER, USER, JEAN)[0])
    made = backup()
    move(server, (NUMBER, THIRD, USER))
    asked(server, NUMBER, OTHER_USER, MARIE)
    assert erase("--phone", NUMBER, "--all", "--delete", "--yes").returncode == 0
    assert numbers(database) == [(jean, THIRD, "1")]
    server.stop()
    backup.restore(made)
    assert numbers(database) == [(jean, NUMBER, "1")]


@pytest.mark.parametrize("erased", [("--phone", NUMBER, "--all"), ("--phone", OTHER_USER)])
def test_what_she_registered_alone_comes_back_with_her(start, redis, server, database, erase, backup, erased):
    """The number is the next owner's by then, who is erased."""
    jean = code_in(asked(server, NUMBER, None, JEAN)[0])
    marie = code_in(asked(server, NUMBER, USER, MARIE)[0])
    made = backup()
    move(server, (NUMBER, THIRD, USER))
    asked(server, NUMBER, OTHER_USER, LUC)
    assert erase(*erased, "--delete", "--yes").returncode == 0
    assert codes(database) == [jean, marie]
    server.stop()
    backup.restore(made)
    assert codes(database) == [jean, marie]
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    assert asked(server, NUMBER, USER, JEAN) == [message("existing_code", code=jean)]


@pytest.fixture
def outbox(start, redis, database):
    """wait(write): the entries that write(server) makes while the database is away, left there; drain(): a server
    that writes them; copy() and put_back(): as who can write to Redis does."""

    class Outbox:
        @staticmethod
        def wait(write):
            settings = {**meta.SETTINGS, "REDIS_URL": redis.url}
            start(**settings, DATABASE_URL=database.url).stop()
            away = start(**settings, DATABASE_URL=UNREACHABLE, wait_for="/health")
            told = write(away)
            away.stop()
            redis.command("COPY", "uic:outbox", "copied")
            return told

        @staticmethod
        def drain():
            server = start(**meta.SETTINGS, REDIS_URL=redis.url, DATABASE_URL=database.url)
            eventually(lambda: redis.command("XLEN", "uic:outbox") == ["0"], "the outbox is empty")
            return server

        @staticmethod
        def put_back():
            redis.command("COPY", "copied", "uic:outbox", "REPLACE")
            eventually(lambda: redis.command("XLEN", "uic:outbox") == ["0"], "it is judged")

    return Outbox


@pytest.mark.parametrize("how", ["--keep-code", "--delete"])
@pytest.mark.parametrize("number, user, person", [(OTHER, None, JEAN), (NUMBER, None, LUC), (NUMBER, OTHER_USER, JEAN)])
def test_anothers_request_in_the_outbox_arrives(server, database, erase, outbox, how, number, user, person):
    """Also one for the same code, or of her number alone, which is nobody's."""
    asked(server, NUMBER, USER, JEAN)
    server.stop()
    told = code_in(outbox.wait(lambda away: asked(away, number, user, person))[0])
    assert erase("--phone", USER, how, "--yes").returncode == 0
    outbox.drain()
    assert told in codes(database)


@pytest.mark.parametrize("write, then, erased", [
    # the number alone, which another has since; which she moved away from
    (lambda s: asked(s, NUMBER, None, JEAN),
     lambda s: (asked(s, NUMBER, USER, MARIE), asked(s, NUMBER, OTHER_USER, LUC)), USER),
    (lambda s: asked(s, NUMBER, None, JEAN),
     lambda s: (asked(s, NUMBER, USER, MARIE), move(s, (NUMBER, THIRD, USER))), USER),
    # a user id that she had before, shown or hidden
    (lambda s: asked(s, NUMBER, USER, JEAN), lambda s: id_changed(s, NUMBER, USER, "CD.7777"), "CD.7777"),
    (lambda s: hidden(s, USER, JEAN),
     lambda s: (asked(s, NUMBER, USER, MARIE), id_changed(s, NUMBER, USER, "CD.7777")), "CD.7777")])
def test_a_copy_under_a_name_that_she_had_does_not_arrive(database, erase, outbox, write, then, erased):
    outbox.wait(write)
    then(outbox.drain())
    assert erase("--phone", erased, "--delete", "--yes").returncode == 0
    left = codes(database)
    outbox.put_back()
    assert codes(database) == left


@pytest.mark.parametrize("is_late", [False, True])
def test_nor_from_where_it_waited_under_a_former_one(start, database, redis, erase, outbox, is_late):
    """is_late: it is a record by then."""
    outbox.wait(lambda away: asked(away, NUMBER, USER, JEAN))
    redis.command("RENAME", "uic:outbox", "aside")
    redis.command("DEL", "uic:outbox:own")
    server = start(**meta.SETTINGS, REDIS_URL=redis.url, DATABASE_URL=database.url)
    asked(server, NUMBER, USER, MARIE)
    id_changed(server, NUMBER, USER, "CD.7777")
    server.stop()
    redis.command("COPY", "aside", "uic:outbox", "REPLACE")
    if is_late:
        outbox.drain().stop()
    assert erase("--phone", "CD.7777", "--delete", "--yes").returncode == 0
    outbox.drain()
    assert numbers(database) == [] and database.query("SELECT count(*) FROM uic_links") == [("0",)]


@pytest.mark.parametrize("how", ["--keep-code", "--delete"])
def test_a_copy_of_a_code_that_was_only_there_does_not_arrive(database, erase, outbox, how):
    told = code_in(outbox.wait(lambda away: asked(away, NUMBER, None, JEAN))[0])
    assert erase("--code", told, how, "--yes").returncode == 0
    outbox.drain()
    left = numbers(database)
    assert NUMBER not in str(left)
    outbox.put_back()
    assert numbers(database) == left


def test_a_code_that_another_was_told_meanwhile_takes_nothing_of_hers(database, redis, erase, outbox):
    """Her answers have a longer one."""
    told = code_in(outbox.wait(lambda away: asked(away, NUMBER, None, JEAN))[0])
    outbox.drain().stop()
    database.query("UPDATE uic_records SET uic_code = uic_code || 'F', created_at = '2020-01-01 00:00:00',"
                   " last_requested_at = '2020-01-01 00:00:00'")
    redis.command("COPY", "copied", "uic:outbox", "REPLACE")
    assert erase("--code", told, "--delete", "--yes").returncode == 0
    assert redis.command("XLEN", "uic:outbox") == ["0"]
    assert erase("--again", "--yes").returncode == 0
    assert codes(database) == [told + "F"]


def test_by_a_former_user_id_she_is_found(server, database, erase):
    asked(server, NUMBER, USER, JEAN)
    former_id(server, None)
    done = erase("--phone", USER, "--delete", "--yes")
    assert done.returncode == 0, done.stderr
    for table in ("uic_records", "uic_links", "uic_former_ids", "uic_asked"):
        assert database.query(f"SELECT count(*) FROM {table}") == [("0",)], table


@pytest.fixture
def again(start, redis, server, database, erase, backup):
    """again(made, arguments) -> what is left when she is erased, and, when an older backup is back, the same."""

    def known():
        return [database.query(f"SELECT {columns}") for columns in (
            "uic_code, phone_number, asked_by, notes FROM uic_records ORDER BY id",
            "number, user_id FROM uic_links", "count(*) FROM uic_former_ids", "count(*) FROM uic_asked")]

    def run(made, *arguments):
        assert erase(*arguments, "--yes").returncode == 0
        left = known()
        server.stop()
        backup.restore(made)
        return left, known()

    return run


def former_id(server, made):
    id_changed(server, NUMBER, USER, "CD.6666")
    id_changed(server, NUMBER, "CD.6666", "CD.7777")
    return made


@pytest.mark.parametrize("is_younger", [False, True])
@pytest.mark.parametrize("erased", [NUMBER, "CD.7777"])
def test_who_had_another_user_id_does_not_come_back(server, backup, again, erased, is_younger):
    """Nor what she asked for, that others registered; nor that the two came together. is_younger: the backup."""
    asked(server, OTHER, None, LUC)
    asked(server, NUMBER, USER, JEAN, LUC)
    made = None if is_younger else backup()
    former_id(server, None)
    left, now = again(made or backup(), "--phone", erased, "--all", "--delete")
    assert left == now and len(left[0]) == 1 and left[1:3] == [[], [("0",)]]


def test_nor_what_the_number_asked_for_alone(start, redis, server, database, backup, again):
    asked(server, OTHER, None, LUC)
    asked(server, NUMBER, None, LUC)
    asked(server, NUMBER, USER, JEAN)
    left, now = again(former_id(server, backup()), "--phone", NUMBER, "--all", "--delete")
    assert left == now
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    (reply,) = asked(server, NUMBER, None, LUC)
    assert reply == message("new_code", code=code_in(reply))


def test_nor_what_was_too_old_when_she_was_erased(server, erase, backup, again):
    asked(server, NUMBER, None, JEAN)
    asked(server, NUMBER, USER, MARIE)
    made = backup()
    assert erase("--older-than", "1", "--yes").returncode == 0
    former_id(server, made)
    asked(server, NUMBER, "CD.7777", LUC)
    assert again(made, "--phone", NUMBER, "--all", "--delete") == ([[], [], [("0",)], [("0",)]],) * 2


def test_that_somebody_had_a_number_goes_with_who_has_it(server, backup, again):
    alone_behind_her(server)
    move(server, (NUMBER, THIRD, USER))
    left, now = again(backup(), "--phone", NUMBER, "--all", "--delete")
    assert left == now


@pytest.mark.parametrize("erased", [USER, OTHER, NUMBER])
@pytest.mark.parametrize("how", ["--keep-code", "--delete"])
def test_no_note_has_a_number_of_hers_again(server, database, backup, again, erased, how):
    asked(server, THIRD, None, LUC)
    asked(server, OTHER, USER, MARIE)
    asked(server, NUMBER, USER, JEAN)
    database.query(f"UPDATE uic_records SET notes = 'mère : {NUMBER}'")
    left, now = again(backup(), "--phone", erased, "--all", how)
    assert left[0] == now[0] and NUMBER not in str(now)


@pytest.mark.parametrize("how", ["--keep-code", "--delete"])
def test_who_changes_her_names_while_it_asks_is_not_half_erased(server, database, redis, tmp_path, how):
    asked(server, NUMBER, USER, JEAN)
    master, slave = pty.openpty()
    process = subprocess.Popen([PROGRAM, "erase", "--phone", NUMBER, how], stdin=slave, cwd=tmp_path,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=environment_for(DATABASE_URL=database.url, REDIS_URL=redis.url))
    said = b""
    while b"Go on?" not in said:
        said += os.read(process.stdout.fileno(), 4096)
    carried_out(server, number_changed(previous_user_id=USER, user_id="CD.7777"))
    before = database.query("SELECT * FROM uic_records")
    os.write(master, b"oui\n")
    said += process.communicate(timeout=PATIENCE)[0]
    os.close(master)
    os.close(slave)
    assert process.returncode == 1 and b"again" in said, said.decode()
    assert database.query("SELECT * FROM uic_records") == before
    assert database.query("SELECT count(*) FROM uic_audit WHERE action LIKE '%number%' OR action LIKE '%code%'") == [("0",)]
