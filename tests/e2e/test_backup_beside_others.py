"""A database of PostgreSQL that holds things of the operator's too: backup and restore touch only what is ours.
And two backups on one server."""

import re
import subprocess

import pytest
from test_backup import backups, register
from texts import JEAN, MARIE

THEIRS = """
CREATE TABLE rapport_mensuel (m date PRIMARY KEY, n int); INSERT INTO rapport_mensuel VALUES ('2026-01-01', 12);
CREATE FUNCTION rapport() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM rapport_mensuel';
CREATE VIEW "Rapport ""du"" mois" AS SELECT m FROM rapport_mensuel;
CREATE SCHEMA ailleurs; CREATE TABLE ailleurs.uic_autre (n int); INSERT INTO ailleurs.uic_autre VALUES (1);
"""
SHAPE = "SELECT (SELECT count(*) FROM uic_records), (SELECT sum(new_codes) FROM uic_totals), rapport()," \
        " (SELECT count(*) FROM ailleurs.uic_autre)"


def test_what_is_the_operators_stays(start, script, postgres, tmp_path):
    url = {"DATABASE_URL": postgres.url}
    server = start(**url)
    register(server, JEAN)
    postgres.query(THEIRS)
    done = script("backup", "--directory", "kept", **url)
    assert done.returncode == 0, done.stderr
    (backup,) = backups(tmp_path / "kept")
    listed = subprocess.run(["pg_restore", "--list", backup], capture_output=True, text=True).stdout
    assert "rapport_mensuel" not in listed and "ailleurs" not in listed
    register(server, MARIE)
    server.stop()
    postgres.query("INSERT INTO rapport_mensuel VALUES ('2026-02-01', 1)")
    done = script("restore", "--force", backup, **url)
    assert done.returncode == 0, done.stderr
    assert postgres.query(SHAPE) == [("1", "1", "2", "1")]
    again = start(**url)
    register(again, MARIE)
    again.stop()
    assert postgres.query(SHAPE) == [("2", "2", "2", "1")]


def test_a_dump_of_the_whole_database_is_restored_too(start, script, postgres, tmp_path):
    """As backups were made before: ours is taken out of it, and it is told that there was more."""
    url = {"DATABASE_URL": postgres.url}
    server = start(**url)
    register(server, JEAN)
    server.stop()
    postgres.query(THEIRS)
    with open(tmp_path / "old.pgdump", "wb") as out:
        subprocess.run(["pg_dump", "-Fc", "--no-owner", "--no-privileges", postgres.url], stdout=out, check=True)
    for again in ("into the same", "into a new one"):
        done = script("restore", "--force", "old.pgdump", **url)
        assert done.returncode == 0, (again, done.stderr)
        assert "(2)" in done.stdout and "left out" in done.stdout, done.stdout
        assert postgres.query("SELECT count(*) FROM uic_records") == [("1",)]
        postgres.query(f"DROP DATABASE {postgres.NAME}", "postgres")
        postgres.query(f"CREATE DATABASE {postgres.NAME}", "postgres")


@pytest.mark.parametrize("sql, named", [
    ("CREATE VIEW par_mois AS SELECT created_at FROM uic_records", "par_mois"),
    ("CREATE TABLE visite (code text REFERENCES uic_records (uic_code))", "visite"),
    ("CREATE INDEX le_mien ON uic_records (notes)", "le_mien"),
    ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
     "CREATE TRIGGER sonnette AFTER INSERT ON uic_records FOR EACH ROW EXECUTE FUNCTION f()", "sonnette")])
def test_what_hangs_on_our_tables_is_named_and_not_dropped(start, script, postgres, tmp_path,
                                                           sql, named):
    url = {"DATABASE_URL": postgres.url}
    start(**url).stop()
    postgres.query(sql)
    done = script("backup", "--directory", "kept", **url)
    assert done.returncode == 0, done.stderr
    done = script("restore", "--force", backups(tmp_path / "kept")[0], **url)
    assert done.returncode == 1 and "Nothing was changed" in done.stderr
    assert named in done.stderr and "dépend" in done.stderr, done.stderr


def test_two_at_once_leave_each_other_alone(start, script, postgres, tmp_path, root):
    """The one is between making its database and entering it when the other clears old ones."""
    start(DATABASE_URL=postgres.url).stop()
    spies = tmp_path / "spies"
    spies.mkdir()
    # Just before the first is read back, the second is made from beginning to end.
    (spies / "pg_restore").write_text(
        f'#!/bin/sh\nPATH=${{PATH#*:}}; mkdir {tmp_path}/once 2>/dev/null && PATH=$PATH {root}/scripts/backup '
        f'--directory {tmp_path}/second >{tmp_path}/said 2>&1\nexec pg_restore "$@"\n')
    (spies / "pg_restore").chmod(0o755)
    done = script("backup", "--directory", "first", DATABASE_URL=postgres.url, PATH=f"{spies}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    assert "read back into a temporary database" in done.stdout
    assert "read back into a temporary database" in (tmp_path / "said").read_text()
    assert len(backups(tmp_path / "first")) == len(backups(tmp_path / "second")) == 1
    assert postgres.query("SELECT datname FROM pg_database WHERE datname LIKE '%verify%'") == []


def test_the_second_in_one_folder_waits_for_the_first(start, script, postgres, tmp_path, root):
    """The timer's unit would be failed else, though there is a backup."""
    start(DATABASE_URL=postgres.url).stop()
    (tmp_path / "kept").mkdir()
    with open(tmp_path / "said", "w") as said:
        first = subprocess.Popen(["flock", tmp_path / "kept", "cat"], stdin=subprocess.PIPE)
        second = subprocess.Popen([root / "scripts/backup", "--directory", "kept"], cwd=tmp_path, stderr=said,
                                  stdout=said, env={"PATH": "/usr/bin:/bin", "DATABASE_URL": postgres.url})
        while not re.search("on l'attend", (tmp_path / "said").read_text()):
            assert second.poll() is None, (tmp_path / "said").read_text()
        first.stdin.close()
        assert first.wait() == 0 and second.wait() == 0
    assert len(backups(tmp_path / "kept")) == 1
