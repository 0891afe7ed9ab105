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
