"""What the server tells systemd: when it is ready, that it lives, that it ends."""

import ctypes
import os
import select
import signal
import socket
import tempfile
import time

import pytest
from processes import eventually

WATCHDOG_SECONDS = 0.4
KEPT = "FDSTORE=1\nFDNAME=listen"  # tests/e2e/test_listening.py
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
_libc = ctypes.CDLL(None, use_errno=True)


class Manager:
    """The socket at which systemd would listen."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.heard = []

    def listen(self, seconds=0.0):
        """All that was said, with what comes within these seconds."""
        end = time.monotonic() + seconds
        while select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
            self.heard.append(self.socket.recv(4096).decode())
        return self.heard

    def hears(self, state, times=1):
        eventually(lambda: self.listen().count(state) >= times, state)


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request):
    """With it: settings for a server that reports to it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = f"{folder}/notify"
        if request.param == "a path":
            manager, name = Manager(path), path
        else:
            manager, name = Manager(f"\0{path}"), f"@{path}"
        manager.settings = {"NOTIFY_SOCKET": name}
        yield manager
        manager.socket.close()


@pytest.fixture
def watching(manager):
    """The same, and it wants to hear WATCHDOG=1."""
    manager.settings["WATCHDOG_USEC"] = int(WATCHDOG_SECONDS * 1e6)
    return manager


class stopped_threads:
    """All threads of a process but the first stand still, as if they hung."""

    def __init__(self, process):
        self.threads = [int(name) for name in os.listdir(f"/proc/{process}/task")
                        if int(name) != process]

    def ask(self, request):
        for thread in self.threads:
            if _libc.ptrace(request, thread, None, None) != 0:
                raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self.ask(PTRACE_SEIZE)
        self.ask(PTRACE_INTERRUPT)

    def __exit__(self, *_):
        for thread in self.threads:
            os.waitid(os.P_PID, thread, os.WSTOPPED | 0x40000000)  # __WALL
        self.ask(PTRACE_DETACH)


def test_it_says_when_it_is_ready_and_when_it_ends(start, manager):
    server = start(**manager.settings)
    manager.hears("READY=1")
    server.signal(signal.SIGHUP)
    manager.hears("READY=1", times=2)
    server.terminate()
    server.wait()
    assert manager.listen() == [KEPT, "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


def test_a_server_that_cannot_start_is_never_ready(start, manager):
    with pytest.raises(AssertionError, match="database URL|DATABASE_URL"):
        start(DATABASE_URL="sqlite:////nowhere/at/all.db", **manager.settings)
    assert manager.listen() == ["FDSTOREREMOVE=1\nFDNAME=listen"], "nothing of it stays open"


def test_it_says_again_and_again_that_it_lives(start, watching):
    start(WORKERS=3, **watching.settings)
    watching.hears("WATCHDOG=1", times=5)


def test_the_manager_of_another_process_hears_nothing(start, watching):
    server = start(WATCHDOG_PID=1, **watching.settings)
    watching.hears("READY=1")
    server.terminate()
    server.wait()
    assert "WATCHDOG=1" not in watching.listen()


def test_a_loop_that_hangs_makes_it_silent(start, watching):
    server = start(WORKERS=1, **watching.settings)
    watching.hears("WATCHDOG=1")
    with stopped_threads(server.process.pid):
        watching.listen()
        before = watching.heard.count("WATCHDOG=1")
        # One mark may have been left just before; with nobody to leave another, that is all.
        watching.listen(WATCHDOG_SECONDS * 5)
        assert watching.heard.count("WATCHDOG=1") <= before + 1
    watching.hears("WATCHDOG=1", times=watching.heard.count("WATCHDOG=1") + 2)
    assert server.status_of("/health") == 200


def test_nobody_listens_and_nothing_happens(start):
    server = start(NOTIFY_SOCKET="/nowhere/notify", WATCHDOG_USEC=int(WATCHDOG_SECONDS * 1e6))
    assert server.status_of("/health") == 200
