"""When the last backup was made: what /metrics tells of it, on every instance and either database."""

import sqlite3
import time

import pytest
from processes import SALT, eventually
from test_backup import backups

METRIC = "uic_last_backup_timestamp_seconds"


@pytest.fixture
def urls(postgres, tmp_path):
    return [f"sqlite:///{tmp_path}/codes.db", postgres.url]


def broken_tools(tmp_path):
    """A PATH where no copy can be written."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("gzip", "pg_dump"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_each_instance_tells_when_the_last_backup_was_made(start, script, urls, tmp_path):
    """And not when one was tried that failed."""
    instances = {url: [start(DATABASE_URL=url), start(DATABASE_URL=url)] for url in urls}
    path = broken_tools(tmp_path)

    def back_up(url, **settings):
        return script("backup", "--directory", "kept", DATABASE_URL=url, **settings).returncode

    assert [back_up(url, PATH=path) for url in urls] == [1, 1]
    assert {server.counts()[METRIC] for servers in instances.values() for server in servers} == {0}
    before = int(time.time())
    assert [back_up(url) for url in urls] == [0, 0]
    made = {url: eventually(lambda url=url, server=server: server.counts()[METRIC], "it is told")
            for url, servers in instances.items() for server in servers}
    assert all(before <= at <= time.time() for at in made.values())

    assert [back_up(url, PATH=path) for url in urls] == [1, 1]
    for url in urls:
        late = start(DATABASE_URL=url)
        eventually(lambda late=late: late.counts()[METRIC] > 0, "who starts asks at once")
        assert {server.counts()[METRIC] for server in (late, *instances[url])} == {made[url]}


def test_settings_that_could_not_be_copied_are_no_backup(start, script, tmp_path):
    start(DATABASE_URL=f"sqlite:///{tmp_path}/codes.db").stop()
    (tmp_path / ".env").write_text(f"DATABASE_URL=sqlite:///codes.db\nUIC_SALT={SALT}\n# {SALT}\n")

    def marks():
        with sqlite3.connect(tmp_path / "codes.db") as database:
            return database.execute("SELECT count(*) FROM uic_marks WHERE name = 'last_backup'").fetchone()[0]

    assert script("backup", "--directory", "kept", "--with-settings").returncode == 1
    assert marks() == 0
    (tmp_path / ".env").write_text(f"DATABASE_URL=sqlite:///codes.db\nUIC_SALT={SALT}\n")
    assert script("backup", "--directory", "kept", "--with-settings").returncode == 0
    assert marks() == 1


def test_a_backup_that_cannot_be_noted_says_so(start, script, postgres, tmp_path):
    """Its role may read and no more: check and the alert would call for a backup that there is."""
    start(DATABASE_URL=postgres.url).stop()
    postgres.query("CREATE ROLE reader LOGIN CREATEDB")
    for kind in ("TABLES", "SEQUENCES"):
        postgres.query(f"GRANT SELECT ON ALL {kind} IN SCHEMA public TO reader")
    done = script("backup", "--directory", "kept", DATABASE_URL=postgres.url.replace("uic@", "reader@"))
    assert done.returncode == 0 and len(backups(tmp_path / "kept")) == 1
    assert "n'a pas pu être notée" in done.stderr and "could not be noted" in done.stderr
