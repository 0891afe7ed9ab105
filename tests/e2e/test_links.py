"""Backup and restore as root, where somebody else may write: links that he put there lead nowhere."""

import os
import pwd
import shutil
import sqlite3
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from processes import SALT, run_program

NOBODY = pwd.getpwnam("nobody")
SECONDS = 90  # for so long is every name planted that holds the time
PIDS = 3000  # and the names that hold a process's number
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be led astray")


@pytest.fixture
def theirs():
    """A directory of somebody else's that he can reach."""
    path = Path("/tmp") / f"uic-links-{os.getpid()}"
    path.mkdir(mode=0o755)
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    yield path
    shutil.rmtree(path)


class Treasure:
    """A file and a directory of root's alone; untouched() says whether they are as they were."""

    def __init__(self, folder):
        self.folder = folder / "treasure"
        self.folder.mkdir(mode=0o700)
        self.file = self.folder / "secret"
        self.file.write_text("root's\n")
        self.file.chmod(0o600)
        self.missing = self.folder / "missing"
        self.before = self.look()

    def look(self):
        found = {}
        for path in (self.folder, *self.folder.iterdir()):
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[path.name] = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), content)
        return found

    def untouched(self):
        return self.look() == self.before


@pytest.fixture
def treasure(tmp_path):
    return Treasure(tmp_path)


def plant(directory, names, target):
    for name in names:
        (directory / name).symlink_to(target)
        os.lchown(directory / name, NOBODY.pw_uid, NOBODY.pw_gid)


def stamps():
    now = datetime.now(timezone.utc)
    return [f"{now + timedelta(seconds=second):%Y%m%dT%H%M%SZ}" for second in range(-1, SECONDS)]


def pids():
    last = int(Path("/proc/loadavg").read_text().split()[-1])
    return range(last, last + PIDS)


@pytest.fixture
def database(theirs):
    """A database of the other's, in his directory, that holds nothing yet."""
    path = theirs / "codes.db"
    assert run_program("init-db", cwd=theirs, DATABASE_URL=f"sqlite:///{path}").returncode == 0
    for file in theirs.iterdir():
        os.chown(file, NOBODY.pw_uid, NOBODY.pw_gid)
    return path


def count(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return connection.execute("SELECT count(*) FROM uic_records").fetchone()[0]
    finally:
        connection.close()


@pytest.fixture
def backup(tmp_path, script):
    """A backup of root's with one code in it."""
    path = tmp_path / "first.db"
    assert run_program("init-db", cwd=tmp_path, DATABASE_URL=f"sqlite:///{path}").returncode == 0
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
                       " last_requested_at) VALUES ('A', 'B', 'C', '2026-01-01', '2026-01-01')")
    connection.commit()
    connection.close()
    done = script("backup", "--directory", "kept", DATABASE_URL=f"sqlite:///{path}")
    assert done.returncode == 0, done.stderr
    return next((tmp_path / "kept").glob("*.sqlite.gz"))


def test_a_restore_works_as_the_owner(script, database, backup, theirs):
    done = script("restore", "--force", backup, DATABASE_URL=f"sqlite:///{database}")
    assert done.returncode == 0, done.stderr
    assert count(database) == 1
    status = database.lstat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY.pw_uid, 0o600)
    aside, = theirs.glob("codes.db.before-restore-*Z")
    assert {path.lstat().st_uid for path in theirs.iterdir()} == {NOBODY.pw_uid} and count(aside) == 0
    assert [path.name for path in theirs.glob(".*")] == []


@pytest.mark.parametrize("to", ["file", "folder", "missing"])
def test_a_restore_follows_no_link_of_the_owner(script, database, backup, theirs, treasure, to):
    target = getattr(treasure, to)
    plant(theirs, [f".restore-{pid}.db" for pid in pids()], target)
    plant(theirs, [f"codes.db.before-restore-{stamp}" for stamp in stamps()], target)
    for name in ("codes.db-wal", "codes.db-shm", "codes.db-journal"):
        (theirs / name).unlink(missing_ok=True)
        plant(theirs, [name], target)
    done = script("restore", "--force", backup, DATABASE_URL=f"sqlite:///{database}")
    assert treasure.untouched(), done.stdout + done.stderr


@pytest.mark.parametrize("to", ["file", "folder", "missing"])
def test_nor_where_the_database_itself_is_one(script, backup, theirs, treasure, to):
    plant(theirs, ["codes.db"], getattr(treasure, to))
    for options in ((), ("--force",)):
        script("restore", *options, backup, DATABASE_URL=f"sqlite:///{theirs}/codes.db")
        assert treasure.untouched()


def test_nor_where_the_directory_is_one(script, backup, theirs, treasure):
    plant(theirs, ["data"], treasure.folder)
    done = script("restore", backup, DATABASE_URL=f"sqlite:///{theirs}/data/codes.db")
    assert done.returncode == 1 and treasure.untouched()


@pytest.mark.parametrize("to", ["file", "missing"])
@pytest.mark.parametrize("name", ["codes.db-wal", "codes.db-shm", "codes.db-journal"])
def test_a_backup_follows_no_link_of_the_owner(script, database, theirs, treasure, name, to):
    (theirs / name).unlink(missing_ok=True)
    plant(theirs, [name], getattr(treasure, to))
    done = script("backup", "--directory", "kept", DATABASE_URL=f"sqlite:///{database}")
    assert treasure.untouched(), done.stdout + done.stderr


def test_a_backup_reads_nothing_that_the_owner_may_not(script, theirs, tmp_path):
    secret = tmp_path / "secret.db"
    assert run_program("init-db", cwd=tmp_path, DATABASE_URL=f"sqlite:///{secret}").returncode == 0
    secret.chmod(0o600)
    plant(theirs, ["codes.db"], secret)
    done = script("backup", "--directory", "kept", DATABASE_URL=f"sqlite:///{theirs}/codes.db")
    assert done.returncode == 1 and list((tmp_path / "kept").glob("*.gz")) == []


def test_a_backup_works_as_the_owner(script, database, tmp_path):
    done = script("backup", "--directory", "kept", DATABASE_URL=f"sqlite:///{database}")
    assert done.returncode == 0, done.stderr
    kept, = (tmp_path / "kept").glob("*.sqlite.gz")
    assert (kept.lstat().st_uid, stat.S_IMODE(kept.lstat().st_mode)) == (0, 0o600)


@pytest.mark.parametrize("to", ["file", "folder", "missing"])
def test_a_backup_into_a_directory_of_somebody_else(script, database, theirs, treasure, tmp_path, to):
    kept = theirs / "kept"
    kept.mkdir()
    os.chown(kept, NOBODY.pw_uid, NOBODY.pw_gid)
    (tmp_path / "settings.env").write_text(f"DATABASE_URL=sqlite:///{database}\nUIC_SALT={SALT}\n")
    plant(kept, [".lock", *(name for stamp in stamps() for name in (
        f".partial-{stamp}", f"whatsapp-uic-{stamp}.sqlite.gz", f"whatsapp-uic-{stamp}.env"))],
        getattr(treasure, to))
    done = script("backup", "--env", "settings.env", "--directory", kept, "--with-settings")
    assert treasure.untouched(), done.stdout + done.stderr


def test_a_directory_that_others_may_write_in_is_refused(script, backup, theirs, treasure):
    os.chown(theirs, 0, 0)
    theirs.chmod(0o777)
    plant(theirs, [f".restore-{pid}.db" for pid in pids()], treasure.file)
    done = script("restore", backup, DATABASE_URL=f"sqlite:///{theirs}/codes.db")
    assert done.returncode == 1 and "others may write" in done.stderr
    assert treasure.untouched() and not (theirs / "codes.db").exists()
