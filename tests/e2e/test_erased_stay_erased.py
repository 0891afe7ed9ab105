"""Who was erased does not come back: neither by an older backup, nor by an entry that somebody puts back
into the outbox."""

import os
import subprocess
import time
from functools import partial

import meta
import pytest
from number_owners import THIRD, asked, hidden, number_changed
from phone import Phone
from processes import PATIENCE, PROGRAM, SALT, eventually, run_program, sqlite_query
from texts import JEAN, MARIE, code_in

NUMBER, OTHER = "+243899111222", "+243899111333"
LUC = ("1991", "Boma", "Luc", "3", "Ilunga")


class Database:
    """url; query(sql) -> rows of texts; everything(): all bytes that a dump shows; is_sqlite."""

    def __init__(self, url, query, everything):
        self.url, self.query, self.everything = url, query, everything
        self.is_sqlite = url.startswith("sqlite")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    if request.param == "sqlite":
        path = tmp_path / "data/codes.db"
        path.parent.mkdir()

        return Database(f"sqlite:///{path}", partial(sqlite_query, path),
                        lambda: b"".join(file.read_bytes() for file in path.parent.glob("codes.db*")
                                         if "before-restore" not in file.name))
    server = request.getfixturevalue("postgres")
    return Database(server.url, server.query, lambda: subprocess.run(
        ["pg_dump", "-h", "127.0.0.1", "-p", str(server.port), "-U", "uic", "uic"],
        capture_output=True, check=True).stdout)


@pytest.fixture
def script(root, tmp_path, database):
    """script(name, arguments, NAME=value...) -> the finished script, in the test's directory."""

    def run(name, *arguments, **settings):
        settings = {"PATH": os.environ["PATH"], "WHATSAPP_UIC": str(PROGRAM), "UIC_SALT": SALT,
                    "DATABASE_URL": database.url, **settings}
        return subprocess.run([root / "scripts" / name, *map(str, arguments)], cwd=tmp_path,
                              env=settings, capture_output=True, text=True, timeout=PATIENCE * 2)

    return run


def register(server, number, *persons):
    with Phone(server, number) as phone:
        return [code_in(phone.say_all("Bonjour", *person)) for person in persons]


def rows(database):
    return database.query("SELECT uic_code, phone_number FROM uic_records ORDER BY uic_code")


def backup_of(script, tmp_path, database):
    """A backup, in a folder of its own, of records that were made in another minute than is now: they keep no
    seconds, and whoever is erased in the minute in which she came stays in the backup."""
    earlier = "2020-01-01 00:00:00"
    database.query(f"UPDATE uic_records SET created_at = '{earlier}', last_requested_at = '{earlier}'")
    assert script("backup", "--directory", tmp_path / "kept").returncode == 0
    (backup,) = (tmp_path / "kept").glob("whatsapp-uic-*")
    return backup


def erase(tmp_path, database, *arguments, **settings):
    done = run_program("erase", *arguments, "--yes", cwd=tmp_path, DATABASE_URL=database.url, **settings)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("how, mode", [("--delete", "clear"), ("--keep-code", "clear"), ("--delete", "sealed")])
def test_an_older_backup_brings_nobody_back(start, script, database, tmp_path, how, mode):
    server = start(DATABASE_URL=database.url, PHONE_NUMBERS=mode)
    codes = register(server, NUMBER, JEAN, MARIE)
    (other,) = register(server, OTHER, LUC)
    register(server, NUMBER, LUC)  # another's record remembers that the number asked
    database.query(f"UPDATE uic_records SET notes = 'mère : {NUMBER}' WHERE uic_code = '{other}'")
    backup = backup_of(script, tmp_path, database)
    erase(tmp_path, database, "--phone", NUMBER, how)
    # She is welcome again, and what she has since then is not erased with the rest.
    (again,) = register(server, NUMBER, ("1990", "Goma", "Anne", "7", "Mbuyi"))
    register(server, "+243899111444", JEAN)
    server.stop()
    askers = database.query("SELECT uic_code, asked_by FROM uic_records ORDER BY id")
    listed = database.query("SELECT count(*) FROM uic_erased")
    assert listed == [("6",)]  # the number, it where it asked, its records, and their messages
    done = run_program("erase", "--again", cwd=tmp_path, DATABASE_URL=database.url)
    assert done.returncode == 0 and "records erased again: 0" in done.stdout, done.stderr
    assert again in [code for code, _ in rows(database)]
    assert database.query("SELECT uic_code, asked_by FROM uic_records ORDER BY id") == askers

    done = script("restore", "--force", backup)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "records erased again: 3" in done.stdout
    left = [other] + ([] if how == "--delete" else codes)
    assert [code for code, _ in rows(database)] == sorted(left)
    numbers = {code: number for code, number in rows(database)}
    assert numbers.pop(other).startswith(OTHER if mode == "clear" else "siv:") and not any(numbers.values())
    assert NUMBER[1:].encode() not in database.everything()
    assert database.query("SELECT count(*) FROM uic_erased") == listed
    assert ("erased again", "3") in database.query("SELECT action, records FROM uic_audit")


def test_who_hides_the_number_does_not_come_back_either(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url, PHONE_NUMBERS="sealed")
    (other,) = register(server, OTHER, LUC)
    with Phone(server, NUMBER) as phone:
        phone.user_id = "CD.9001"
        phone.say_all("Bonjour", *JEAN)
        phone.hidden = True
        phone.say_all("Bonjour", *MARIE)
        phone.say_all("Bonjour", *LUC)  # another's record remembers that the user id asked
    backup = backup_of(script, tmp_path, database)
    erase(tmp_path, database, "--phone", "CD.9001", "--delete")
    left = database.query("SELECT uic_code, asked_by FROM uic_records")
    assert [code for code, _ in left] == [other]
    assert database.query("SELECT count(*) FROM uic_erased") == [("8",)]  # number, id, both where they asked, her records, their messages
    server.stop()
    done = script("restore", "--force", backup)
    assert done.returncode == 0 and "records erased again: 3" in done.stdout, done.stdout + done.stderr
    assert database.query("SELECT uic_code, asked_by FROM uic_records") == left


def test_who_had_another_name_in_the_backup_does_not_come_back(start, redis, script, database, tmp_path):
    server = start(**meta.SETTINGS, DATABASE_URL=database.url, REDIS_URL=redis.url)
    (other,) = register(server, OTHER, LUC)
    asked(server, NUMBER, "CD.9001", JEAN)
    hidden(server, "CD.9001", MARIE)
    backup = backup_of(script, tmp_path, database)
    with meta.Meta(server) as sender:
        sender.say(number_changed(old=NUMBER, new=THIRD, previous_user_id="CD.9001", user_id="CD.9002"))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
    erase(tmp_path, database, "--phone", "CD.9002", "--delete", REDIS_URL=redis.url)
    server.stop()
    done = script("restore", "--force", backup)
    assert done.returncode == 0 and "records erased again: 2" in done.stdout, done.stdout + done.stderr
    assert rows(database) == [(other, OTHER)]


def test_who_else_asked_for_her_records_is_not_forgotten(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    register(server, NUMBER, JEAN)
    register(server, OTHER, JEAN)
    backup = backup_of(script, tmp_path, database)
    erase(tmp_path, database, "--phone", NUMBER, "--keep-code")
    left = database.query("SELECT asked_by FROM uic_records")
    assert run_program("erase", "--again", cwd=tmp_path, DATABASE_URL=database.url).returncode == 0
    assert database.query("SELECT asked_by FROM uic_records") == left
    server.stop()
    done = script("restore", "--force", backup)
    assert done.returncode == 0 and "records erased again: 1" in done.stdout, done.stdout + done.stderr
    assert database.query("SELECT asked_by FROM uic_records") == left


def test_a_code_that_was_erased_does_not_come_back(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    codes = register(server, NUMBER, JEAN, MARIE)
    backup = backup_of(script, tmp_path, database)
    erase(tmp_path, database, "--code", codes[0], "--delete")
    erase(tmp_path, database, "--code", codes[1])
    server.stop()
    done = script("restore", "--force", backup)
    assert done.returncode == 0 and "records erased again: 2" in done.stdout, done.stdout + done.stderr
    assert rows(database) == [(codes[1], "")]
    assert NUMBER[1:].encode() not in database.everything()


def test_under_another_salt_nothing_is_replaced(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    register(server, NUMBER, JEAN)
    (other,) = register(server, OTHER, LUC)
    backup = backup_of(script, tmp_path, database)
    erase(tmp_path, database, "--phone", NUMBER, "--delete")
    server.stop()
    done = script("restore", "--force", backup, UIC_SALT="Another-Salt_12345")
    assert done.returncode == 1 and "Nothing was changed" in done.stderr, done.stdout + done.stderr
    assert "UIC_SALT" in done.stderr and rows(database) == [(other, OTHER)]


def test_what_cannot_be_read_is_said(start, script, tmp_path, database):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's tables are read or are not there; a file may be damaged")
    server = start(DATABASE_URL=database.url)
    register(server, NUMBER, JEAN)
    backup = backup_of(script, tmp_path, database)
    server.stop()
    path = tmp_path / "data/codes.db"
    path.write_bytes(b"no database at all" * 1000)
    for file in path.parent.glob("codes.db-*"):
        file.unlink()
    done = script("restore", "--force", backup)
    assert done.returncode == 1 and "--without-erased" in done.stderr and "Nothing was changed" in done.stderr
    done = script("restore", "--force", "--without-erased", backup)
    assert done.returncode == 0 and "WARNING: who was erased could not be read" in done.stderr, done.stderr
    assert len(rows(database)) == 1


def test_the_list_is_kept_as_long_as_an_older_backup_is(start, script, database, tmp_path):
    start(DATABASE_URL=database.url).stop()
    kept = tmp_path / "kept"
    kept.mkdir()

    def name(days):
        return time.strftime("whatsapp-uic-%Y%m%dT%H%M%SZ.pgdump", time.gmtime(time.time() - days * 86400))

    def listed():
        return sorted(days for days in (10, 33, 50, 90) if database.query(
            f"SELECT count(*) FROM uic_erased WHERE who = {who(days)}") == [("1",)])

    def who(days):
        return f"'{days:032x}'" if database.is_sqlite else f"decode('{days:032x}', 'hex')"

    for days in (10, 33, 50, 90):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - days * 86400))
        zone = "" if database.is_sqlite else "+00"
        database.query(f"INSERT INTO uic_erased VALUES ({who(days)}, '{at}{zone}')")
    (kept / name(60)).write_text("older than three erasures")
    (kept / name(5)).write_text("x")
    assert script("backup", "--directory", kept, "--keep", "0").returncode == 0
    assert listed() == [10, 33, 50, 90]  # nobody knows how long they are kept
    assert script("backup", "--directory", kept, "--keep", "70").returncode == 0
    assert listed() == [10, 33, 50]
    assert script("backup", "--directory", kept, "--keep", "2").returncode == 0
    assert listed() == [10]  # 30 days at least


def test_a_copied_entry_brings_nobody_back(start, redis, database, tmp_path):
    """Somebody who reads and writes Redis copied the stream while the database was away."""
    start(DATABASE_URL=database.url, REDIS_URL=redis.url).stop()
    away = start(DATABASE_URL="postgresql://uic@127.0.0.1:1/uic", REDIS_URL=redis.url, wait_for="/health")
    codes = register(away, NUMBER, JEAN)
    others = register(away, OTHER, LUC)
    away.stop()
    redis.command("COPY", "uic:outbox", "stolen")
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    eventually(lambda: len(rows(database)) == 2, "the outbox is written")
    erase(tmp_path, database, "--phone", NUMBER, "--delete", REDIS_URL=redis.url)
    assert rows(database) == [(others[0], OTHER)]
    redis.command("COPY", "stolen", "uic:outbox", "REPLACE")
    eventually(lambda: redis.command("XLEN", "uic:outbox") == ["0"], "the copy is judged")
    assert rows(database) == [(others[0], OTHER)]
    assert database.query("SELECT request_count FROM uic_records") == [("1",)]
    assert redis.command("EXISTS", "uic:outbox:refused") == ["0"]
    metrics = server.get("/metrics")[1]
    assert 'uic_outbox_records_total{step="dropped"} 1' in metrics
    assert "outbox_record_dropped" in server.log() and NUMBER not in server.log()
    assert codes[0] not in server.log()
