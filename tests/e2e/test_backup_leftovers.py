"""What a backup that was killed leaves behind is cleared by the next one."""

import os
import signal
import subprocess

from processes import eventually
from test_backup import backups, database, register  # noqa: F401 (a fixture)
from texts import JEAN


def kill_in_the_middle(root, tmp_path, scratch, url):
    """While the copy is read back: a whole one and a part of a file are there."""
    spies = tmp_path / "spies"
    spies.mkdir()
    for program, stops in (("gzip", '[ "$1" = -dc ]'), ("pg_restore", "true")):
        (spies / program).write_text(f'#!/bin/sh\n{stops} && touch {tmp_path}/reading && sleep 1000\n'
                                     f'PATH=${{PATH#*:}} exec {program} "$@"\n')
        (spies / program).chmod(0o755)
    process = subprocess.Popen([root / "scripts/backup", "--directory", "kept"], cwd=tmp_path, start_new_session=True,
                               env={"PATH": f"{spies}:{os.environ['PATH']}", "DATABASE_URL": url, "TMPDIR": scratch})
    eventually((tmp_path / "reading").exists, "it is in the middle")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_what_a_killed_backup_left_is_cleared_by_the_next(root, start, script, database, tmp_path):  # noqa: F811
    server = start(DATABASE_URL=database.url)
    register(server, JEAN)
    server.stop()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "whatsapp-uic.others").mkdir()
    kill_in_the_middle(root, tmp_path, scratch, database.url)
    assert list((tmp_path / "kept").glob(".partial.*")) and len(list(scratch.iterdir())) == 2

    done = script("backup", "--directory", "kept", DATABASE_URL=database.url, TMPDIR=scratch)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [path.name for path in backups(tmp_path / "kept")]
    assert [path.name for path in scratch.iterdir()] == ["whatsapp-uic.others"], "which is somebody else's"


def test_no_copy_in_postgresql_stays_either(root, start, script, postgres, tmp_path):  # noqa: F811
    start(DATABASE_URL=postgres.url).stop()
    copies = "SELECT count(*) FROM pg_database WHERE datname LIKE 'whatsapp_uic_verify_%'"
    kill_in_the_middle(root, tmp_path, tmp_path, postgres.url)
    assert postgres.query(copies)[0][0] == "1"
    done = script("backup", "--directory", "kept", DATABASE_URL=postgres.url, TMPDIR=tmp_path)
    assert done.returncode == 0, done.stderr
    assert postgres.query(copies)[0][0] == "0"
