"""What restores of a SQLite file and settings out of the ordinary leave, and what is told of them."""

import os
import sqlite3
import subprocess

import pytest
from processes import PATIENCE, SALT, run_program
from test_backup import backups


@pytest.fixture
def kept(script, tmp_path):
    """A backup of an empty database."""
    (tmp_path / "data").mkdir()
    url = f"sqlite:///{tmp_path}/data/codes.db"
    assert run_program("init-db", cwd=tmp_path, DATABASE_URL=url).returncode == 0
    assert script("backup", "--directory", "kept", DATABASE_URL=url).returncode == 0
    return url, backups(tmp_path / "kept")[0]


@pytest.mark.parametrize("name", ["restore", "backup"])
def test_what_a_killed_restore_left_is_cleared_by_the_next(kept, script, tmp_path, name):
    url, backup = kept
    for left in (".restore.aaaaaa", ".restore.aaaaaa-wal", ".restore.b2CdEf"):
        (tmp_path / "data" / left).write_text("a whole database")
    (tmp_path / "data/.restored").touch()
    options = ["--force", backup] if name == "restore" else ["--directory", "kept"]
    held = subprocess.Popen(["flock", tmp_path / "data", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    held.stdin.write(b"x")
    held.stdin.flush()
    assert held.stdout.read(1) == b"x", "the lock of one that is at work"
    done = script(name, *options, DATABASE_URL=url)
    assert done.returncode == (1 if name == "restore" else 0), done.stderr
    assert len(list((tmp_path / "data").glob(".restore.*"))) == 3
    held.stdin.close()
    held.wait(PATIENCE)
    done = script(name, *options, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "data").glob(".rest*")] == [".restored"]


def test_a_full_disk_is_not_told_as_a_bad_backup(kept, script, tmp_path):
    url, backup = kept
    spies = tmp_path / "spies"
    spies.mkdir()
    (spies / "cat").write_text("#!/bin/sh\nexec /bin/cat >/dev/full\n")
    (spies / "cat").chmod(0o755)
    done = script("restore", "--force", backup, DATABASE_URL=url, PATH=f"{spies}:{os.environ['PATH']}")
    assert done.returncode == 1 and "is there room?" in done.stderr and "Nothing was changed" in done.stderr
    assert "no backup" not in done.stderr
    with sqlite3.connect(tmp_path / "data/codes.db") as database:
        assert database.execute("SELECT count(*) FROM uic_records").fetchone() == (0,)


def test_settings_with_a_mark_of_windows_are_read(kept, script, tmp_path):
    url, _ = kept
    (tmp_path / "windows.env").write_bytes(f"\ufeffDATABASE_URL={url}\r\nUIC_SALT={SALT}\r\n".encode())
    done = script("backup", "--env", "windows.env", "--directory", "mine")
    assert done.returncode == 0 and len(backups(tmp_path / "mine")) == 1, done.stderr


def test_settings_that_are_no_file_are_refused(kept, script, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        done = script("backup", "--env", path, "--directory", "mine")
        assert done.returncode == 1 and "is no file" in done.stderr


def test_no_salt_of_any_name_is_kept_with_the_settings(kept, script, tmp_path):
    url, _ = kept
    (tmp_path / "settings.env").write_text(
        f"DATABASE_URL={url}\nOLD_UIC_SALT=former-1234567\nUIC_SALT=\"{SALT}\nsecond-line\"\nUIC_SALT_WEAK=yes\n"
        "# UIC_SALT='noted-1234567\nLOG_LEVEL=info\n")
    done = script("backup", "--env", "settings.env", "--directory", "both", "--with-settings")
    assert done.returncode == 0, done.stderr
    (copy,) = (tmp_path / "both").glob("*.env")
    text = copy.read_text()
    assert text == (f"DATABASE_URL={url}\nOLD_UIC_SALT=\nUIC_SALT=\nUIC_SALT_WEAK=yes\n# UIC_SALT=\nLOG_LEVEL=info\n")


def test_a_folder_may_begin_with_a_hyphen(kept, script, tmp_path):
    done = script("backup", "--directory", "-z", DATABASE_URL=kept[0])
    assert done.returncode == 0 and len(backups(tmp_path / "-z")) == 1, done.stderr
