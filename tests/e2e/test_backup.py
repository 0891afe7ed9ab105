"""Backup while the server runs; disaster; restore; and people find their codes again."""

import gzip
import os
import sqlite3
import stat
import subprocess
import time

import pytest
from phone import Phone
from processes import SALT, WallClock, run_program
from texts import JEAN, MARIE, code_in, code_of


class Database:
    """url; totals(): (codes, requests); lose(): all of it is gone."""

    def __init__(self, url, totals, lose):
        self.url, self.totals, self.lose = url, totals, lose
        self.suffix = "sqlite.gz" if url.startswith("sqlite") else "pgdump"


COUNT = "SELECT count(*), coalesce(sum(request_count), 0) FROM uic_records"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    if request.param == "sqlite":
        path = tmp_path / "codes d'ici.db"

        def totals():
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            try:
                return connection.execute(COUNT).fetchone()
            finally:
                connection.close()

        def lose():
            for file in tmp_path.glob("codes*"):
                file.unlink()

        return Database(f"sqlite:///{path}", totals, lose)
    server = request.getfixturevalue("postgres")

    def drop():
        server.query(f"DROP DATABASE {server.NAME} WITH (FORCE)", "postgres")
        server.query(f"CREATE DATABASE {server.NAME}", "postgres")

    return Database(server.url, lambda: tuple(map(int, server.query(COUNT)[0])), drop)


def backups(directory):
    return sorted(path for path in directory.iterdir() if path.name.startswith("whatsapp-uic-"))


def register(server, *persons):
    codes = []
    for person in persons:
        with Phone(server) as phone:
            codes.append(code_in(phone.say_all("Bonjour", *person)))
    return codes


def test_backup_disaster_restore_conversation(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    codes = register(server, JEAN, MARIE, JEAN)
    assert database.totals() == (2, 3)
    done = script("backup", "--directory", tmp_path / "kept", DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    (backup,) = backups(tmp_path / "kept")
    assert backup.name.endswith("Z." + database.suffix)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    for line in ("Sauvegarde faite, relue et comptée dans une base provisoire",
                 "Backup made, read back into a temporary database and counted",
                 "UIC_SALT n'est PAS dans la sauvegarde", "UIC_SALT is NOT in the backup", "(2 codes)"):
        assert line in done.stdout, done.stdout
    register(server, ("1991", "Boma", "Luc", "3", "Ilunga"))  # after the backup, so lost with the rest

    for options in ([], ["--force"]):
        refused = script("restore", *options, backup, DATABASE_URL=database.url)
        assert refused.returncode == 1, "the server still runs"
        assert "Nothing was changed" in refused.stderr and "stop the server first" in refused.stderr
    assert database.totals() == (3, 4)
    server.stop()
    refused = script("restore", backup, DATABASE_URL=database.url)
    assert refused.returncode == 1
    assert "--force" in refused.stderr and "3 codes" in refused.stderr
    assert database.totals() == (3, 4)

    database.lose()
    done = script("restore", backup, DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    assert "Restauré" in done.stdout and "Restored" in done.stdout and "2 codes" in done.stdout
    assert database.totals() == (2, 3)
    again = start(DATABASE_URL=database.url)
    assert register(again, JEAN, MARIE) == codes[:2] == [code_of(JEAN), code_of(MARIE)]
    again.stop()
    assert database.totals() == (2, 5)


def test_a_restore_by_force_replaces_what_is_there(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    register(server, JEAN)
    assert script("backup", "--directory", "kept", DATABASE_URL=database.url).returncode == 0
    register(server, MARIE)
    server.stop()
    (backup,) = backups(tmp_path / "kept")
    done = script("restore", "--force", backup, DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    assert database.totals() == (1, 1)
    if database.suffix == "sqlite.gz":
        (aside,) = tmp_path.glob("*.before-restore-*Z")
        connection = sqlite3.connect(aside)
        assert connection.execute(COUNT).fetchone() == (2, 2)
        connection.close()
    else:
        assert "First a copy of what is in the database" in done.stdout and "(2 codes)" in done.stdout
        assert len(backups(tmp_path / "kept")) == 2
    again = start(DATABASE_URL=database.url)  # its migrations still fit
    register(again, MARIE)
    again.stop()
    assert database.totals() == (2, 2)


def test_into_empty_tables_no_force_is_needed(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    register(server, JEAN)
    server.stop()
    assert script("backup", "--directory", "kept", DATABASE_URL=database.url).returncode == 0
    database.lose()
    start(DATABASE_URL=database.url).stop()  # makes new, empty tables
    done = script("restore", backups(tmp_path / "kept")[0], DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    assert database.totals() == (1, 1)


def test_a_damaged_backup_is_refused(start, script, database, tmp_path):
    server = start(DATABASE_URL=database.url)
    register(server, JEAN)
    server.stop()
    assert script("backup", "--directory", "kept", DATABASE_URL=database.url).returncode == 0
    (backup,) = backups(tmp_path / "kept")
    whole = backup.read_bytes()
    for bytes_left in (b"", b"not a backup", whole[:len(whole) // 2]):
        backup.write_bytes(bytes_left)
        done = script("restore", "--force", backup, DATABASE_URL=database.url)
        assert done.returncode == 1 and "Nothing was changed" in done.stderr, done.stderr
        assert database.totals() == (1, 1)


def test_old_backups_go_and_nothing_else(start, script, database, tmp_path):
    start(DATABASE_URL=database.url).stop()
    kept = tmp_path / "kept"
    kept.mkdir()
    old = [kept / "whatsapp-uic-20200101T000000Z.sqlite.gz", kept / "whatsapp-uic-20200102T000000Z.pgdump",
           kept / "whatsapp-uic-20200102T000000Z.env"]
    others = [kept / "whatsapp-uic-20200101T000000Z.sqlite.gz.mine", kept / "notes.txt", kept / at(1)]
    for path in old + others:
        path.write_text("x")
    assert script("backup", "--directory", kept, "--keep", "0", DATABASE_URL=database.url).returncode == 0
    assert all(path.exists() for path in old)
    done = script("backup", "--directory", kept, "--keep", "30", DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in others)
    assert "Old backup removed" in done.stdout


def at(days):
    """The name of a backup that was made so many days ago."""
    return time.strftime("whatsapp-uic-%Y%m%dT%H%M%SZ.pgdump", time.gmtime(time.time() - days * 86400))


@pytest.mark.parametrize("ages, why", [
    (range(31, 71), "the clock is more than 30 days beyond the last one"),  # or is it ours that is fast?
    ([0, *range(25, 60)], "more than one in ten (30 of 36)"),  # a clock that was fast yesterday too
], ids=["a jump", "a day after"])
def test_a_wrong_clock_removes_no_backup(start, script, database, tmp_path, ages, why):
    start(DATABASE_URL=database.url).stop()
    kept = tmp_path / "kept"
    kept.mkdir()
    for days in ages:
        (kept / at(days + 0.1)).write_text("x")
    done = script("backup", "--directory", kept, DATABASE_URL=database.url)
    assert done.returncode == 0 and len(backups(kept)) == len(ages) + 1
    assert "WARNING: " in done.stderr and why in done.stderr
    done = script("backup", "--directory", kept, "--run", DATABASE_URL=database.url)
    assert done.returncode == 0 and done.stderr == ""
    assert sum(path.stat().st_size == 1 for path in backups(kept)) == sum(days < 30 for days in ages)


def test_the_earlier_clock_says_which_backups_are_old(start, script, postgres, tmp_path):
    start(DATABASE_URL=postgres.url).stop()
    kept = tmp_path / "kept"
    kept.mkdir()
    younger, older = (kept / at(days) for days in (10, 31))
    for path in (younger, older):
        path.write_text("x")
    clock = WallClock(tmp_path / "clock", 25 * 86400)
    done = script("backup", "--directory", kept, DATABASE_URL=postgres.url, **clock.settings())
    assert done.returncode == 0, done.stderr
    assert younger.exists() and not older.exists()


def test_settings_come_from_the_file_which_is_read_and_not_run(start, script, database, tmp_path):
    start(DATABASE_URL=database.url).stop()
    for number, line in enumerate([f"DATABASE_URL={database.url}", f'export DATABASE_URL = "{database.url}" # here',
                                   f"  DATABASE_URL='{database.url}'\r" if "'" not in database.url
                                   else f"DATABASE_URL={database.url}   # here\r"]):
        (tmp_path / "settings.env").write_text(
            f"DATABASE_URL=sqlite:///./other.db\nX=$(touch {tmp_path}/run)\n#DATABASE_URL=no\n{line}\n"
            f"UIC_SALT={SALT}")
        done = script("backup", "--env", "settings.env", "--directory", f"kept{number}")
        assert done.returncode == 0, (line, done.stderr)
        assert len(backups(tmp_path / f"kept{number}")) == 1
    assert not (tmp_path / "run").exists()


def test_settings_are_kept_only_when_told_and_the_salt_never(start, script, database, tmp_path):
    start(DATABASE_URL=database.url).stop()
    settings = tmp_path / "settings.env"
    for number, line in enumerate(("UIC_SALT={}", "#UIC_SALT={}\n export UIC_SALT = '{}' # mine\r")):
        line = line.replace("{}", SALT)
        settings.write_text(f"DATABASE_URL={database.url}\n{line}\nUIC_SALT_WEAK=yes\nUIC_SALT_FILE=/etc/sel\n")
        done = script("backup", "--env", "settings.env", "--directory", f"kept{number}")
        assert done.returncode == 0 and len(backups(tmp_path / f"kept{number}")) == 1
        done = script("backup", "--env", "settings.env", "--directory", f"both{number}", "--with-settings")
        assert done.returncode == 0, done.stderr
        copy, = (tmp_path / f"both{number}").glob("*.env")
        assert "UIC_SALT_WEAK=yes\nUIC_SALT_FILE=/etc/sel\n" in copy.read_text() and database.url in copy.read_text()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        for folder in ("kept", "both"):
            assert not any(SALT.encode() in path.read_bytes()
                           for path in (tmp_path / f"{folder}{number}").iterdir())


def test_settings_in_which_the_salt_stands_elsewhere_too_are_not_kept(start, script, database, tmp_path):
    start(DATABASE_URL=database.url).stop()
    (tmp_path / "settings.env").write_text(f"DATABASE_URL={database.url}\nUIC_SALT={SALT}\n# it was {SALT}\n")
    done = script("backup", "--env", "settings.env", "--directory", "both", "--with-settings")
    assert done.returncode == 1 and "copying the settings" in done.stderr
    assert not any(SALT.encode() in path.read_bytes() for path in (tmp_path / "both").iterdir())


def test_what_still_waits_in_redis_is_told(start, script, database, redis, tmp_path):
    start(DATABASE_URL=database.url).stop()
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
    done = script("backup", "--directory", "kept", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    redis.command("XADD", "uic:outbox", "*", "sealed", "x")
    redis.command("CONFIG", "SET", "requirepass", "p@ss word")
    for url in (redis.url.replace("//", "//:p%40ss%20word@"), f"unix://{redis.socket_path}"):
        settings["REDIS_URL"] = url
        done = script("backup", "--directory", "kept", **settings)
        assert done.returncode == 0
        told = "WARNING: 1 code waiting in Redis" if "p%40" in url else "could not be looked at"
        assert told in done.stderr, done.stderr


def spy(tmp_path, *programs):
    """Programs that note how they were called, in front of the real ones; the folder for PATH."""
    folder = tmp_path / "spies"
    folder.mkdir()
    for program in programs:
        path = folder / program
        path.write_text(f'#!/bin/sh\nprintf "%s " {program} "$@" >>{tmp_path}/calls\n'
                        f'PATH=${{PATH#*:}}; exec {program} "$@"\n')
        path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_password_is_on_no_command_line(start, script, postgres, tmp_path):
    start(DATABASE_URL=postgres.url).stop()
    postgres.query("ALTER ROLE uic PASSWORD 'pa ss@w%rd'")
    url = postgres.url.replace("uic@", "uic:pa%20ss%40w%25rd@")
    (tmp_path / "calls").touch()
    (tmp_path / "calls").chmod(0o666)
    path = spy(tmp_path, "psql", "pg_dump", "pg_restore", "env")
    # So that a wrong one is not let in:
    hba = postgres.folder / "data/pg_hba.conf"
    hba.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    postgres.process.send_signal(1)
    assert script("backup", "--directory", "kept", DATABASE_URL=postgres.url).returncode == 1
    done = script("backup", "--directory", "kept", DATABASE_URL=url, PATH=path)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text()
    assert "pg_dump" in calls and "pg_restore" in calls and "psql" in calls
    assert "w%rd" not in calls and "w%25rd" not in calls and "uic:" not in calls


def test_a_role_that_may_make_no_database_has_its_backup_counted(start, script, postgres, tmp_path):
    server = start(DATABASE_URL=postgres.url)
    register(server, JEAN, MARIE)
    server.stop()
    postgres.query("CREATE ROLE plain LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain;"
                   "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO plain")
    done = script("backup", "--directory", "kept", DATABASE_URL=postgres.url.replace("uic@", "plain@"))
    assert done.returncode == 0, done.stderr
    assert "the role may not CREATEDB" in done.stdout and "(2 codes)" in done.stdout
    assert postgres.query("SELECT datname FROM pg_database WHERE datname LIKE '%verify%'") == []


def test_no_copy_is_left_behind(start, script, postgres, tmp_path):
    start(DATABASE_URL=postgres.url).stop()
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o755)
    done = script("backup", "--directory", "kept", DATABASE_URL=postgres.url, TMPDIR=scratch)
    assert done.returncode == 0, done.stderr
    assert postgres.query("SELECT datname FROM pg_database WHERE datname LIKE '%verify%'") == []
    assert list(scratch.iterdir()) == []
    assert sorted(path.name[:13] for path in (tmp_path / "kept").iterdir()) == ["whatsapp-uic-"]


def test_a_failure_leaves_no_backup(script, tmp_path):
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    for url in ("sqlite:///./nowhere.db", "sqlite:///./broken.db", "mysql://x",
                "postgresql://uic@127.0.0.1:1/uic"):
        done = script("backup", "--directory", "kept", DATABASE_URL=url)
        assert done.returncode == 1, url
        assert "ÉCHEC" in done.stderr and "FAILED" in done.stderr
        assert not (tmp_path / "kept").exists() or backups(tmp_path / "kept") == []


def test_kinds_are_not_mixed(script, postgres, tmp_path):
    (tmp_path / "x.sqlite.gz").write_bytes(gzip.compress(b"x"))
    done = script("restore", "x.sqlite.gz", DATABASE_URL=postgres.url)
    assert done.returncode == 1 and "different kinds" in done.stderr


def test_usage(script):
    for name, arguments in (("backup", ["--keep"]), ("backup", ["--keep", "soon"]), ("backup", ["x"]),
                            ("restore", []), ("restore", ["a", "b"]), ("restore", ["--what", "a"])):
        done = script(name, *arguments)
        assert done.returncode == 2 and "usage:" in done.stderr
    assert script("backup", "--help").returncode == script("restore", "--help").returncode == 0


def test_shellcheck_finds_nothing(root):
    scripts = [root / "scripts" / name for name in ("backup", "restore", "backup-common.sh")]
    done = subprocess.run(["shellcheck", "-x", *scripts], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("last, told", [
    (None, "hint  backup: none was made yet"), ("1 hour", "ok    backup: the last one is from the last two days"),
    ("9 days", "hint  backup: the last one is 9 days old"), ("-9 days", "hint  backup: the last one is dated ahead")])
def test_check_tells_how_old_the_last_backup_is(start, script, postgres, tmp_path, last, told):
    settings = {"DATABASE_URL": postgres.url}
    server = start(**settings)
    register(server, JEAN)
    server.stop()
    assert "backup:" not in run_program("check", cwd=tmp_path, **settings).stdout, "since an hour at most"
    postgres.query("UPDATE uic_records SET created_at = created_at - interval '9 days'")
    if last:
        assert script("backup", "--directory", "kept", **settings).returncode == 0
        postgres.query("UPDATE uic_marks SET value = to_char(now() AT TIME ZONE 'UTC' - interval "
                       f"'{last}', 'YYYY-MM-DD HH24:MI:SS') WHERE name = 'last_backup'")
    assert told in run_program("check", cwd=tmp_path, **settings).stdout
