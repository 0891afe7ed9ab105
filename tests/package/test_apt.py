"""Installing what is missing while another apt is at work, as in the first minutes of a new machine."""

import fcntl
import os
import subprocess
import threading

import pytest

PATIENCE = 60


class Apt:
    """An apt with folders of its own, and a hand on its locks."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        for name in ("state/lists/partial", "cache/archives/partial", "dpkg", "etc/sources.list.d"):
            (folder / name).mkdir(parents=True)
        (folder / "dpkg/status").touch()
        (folder / "config").write_text(
            f'Dir::State "{folder}/state"; Dir::Cache "{folder}/cache"; Dir::Etc "{folder}/etc";\n'
            f'Dir::State::status "{folder}/dpkg/status"; Dir::Log "{folder}"; APT::Sandbox::User "";\n')

    def start(self, command, patience=PATIENCE):
        script = f'set -eu; . scripts/packages.sh; APT_PATIENCE={patience}; await_apt apt_get {command}'
        return subprocess.Popen(["bash", "-c", script], cwd=self.root, text=True, stdout=subprocess.DEVNULL,
                                env={"PATH": os.environ["PATH"], "APT_CONFIG": str(self.folder / "config")},
                                stderr=subprocess.PIPE)

    def hold(self, name):
        lock = open(self.folder / name, "w")
        fcntl.lockf(lock, fcntl.LOCK_EX)
        return lock


@pytest.fixture
def apt(root, tmp_path):
    return Apt(root, tmp_path)


LOCKS = [("update -q", "state/lists/lock"), ("install -qy", "dpkg/lock-frontend"), ("install -qy", "dpkg/lock"),
         ("clean", "cache/archives/lock")]


@pytest.mark.parametrize("command, lock", LOCKS)
def test_it_waits_for_whoever_holds_a_lock_and_says_so(apt, command, lock):
    held = apt.hold(lock)
    waiting = apt.start(command)
    stop = threading.Timer(PATIENCE, waiting.kill)  # should it never say so
    stop.start()
    said = waiting.stderr.readline() + waiting.stderr.readline()
    assert "Un autre programme installe des paquets" in said and f"process {os.getpid()} " in said, said
    assert waiting.poll() is None
    held.close()
    said = waiting.stderr.read()
    assert waiting.wait() == 0, said
    stop.cancel()
    assert "E: " not in said


def test_it_does_not_wait_for_ever(apt):
    held = apt.hold("state/lists/lock")
    waiting = apt.start("update -q", patience=1)
    said = waiting.communicate(timeout=PATIENCE)[1]
    assert waiting.returncode != 0 and "Could not get lock" in said
    held.close()


def test_what_is_no_lock_is_told_at_once(apt):
    failing = apt.start("install -qy no-such-package-anywhere")
    said = failing.communicate(timeout=PATIENCE)[1]
    assert failing.returncode != 0
    assert "Unable to locate package" in said and "Another program" not in said
