"""Fixtures of the end to end tests: a private Redis, servers of our own, a phone to write with."""

import os
import signal
import subprocess
from pathlib import Path

import databases
import pytest
from graph import Graph
from phone import Phone
from processes import PATIENCE, RedisServer, UicServer, run_program
from production import PostgresServer


def pytest_configure():
    # So that the fixtures stop what they started when scripts/test is told to stop.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not os.access(os.environ.get("WHATSAPP_UIC", ""), os.X_OK):
        pytest.exit("WHATSAPP_UIC must name the program; scripts/test e2e does it", returncode=2)


# Where files run side by side: the longest first, lest the last of them runs alone.
LONGEST = ("test_backup.py", "test_clocks.py", "test_erase.py", "test_meta.py", "test_sender.py", "test_stranger.py",
           "test_metrics.py", "test_backup_beside_others.py", "test_privacy.py", "test_meaning.py", "test_statistics.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture
def redis(tmp_path):
    """A Redis of our own that writes everything it is told to its append-only file."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def postgres(tmp_path):
    with PostgresServer(tmp_path / "postgres") as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    with databases.opened(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def erase(tmp_path, database, redis):
    """erase(arguments) -> the finished command, with this database and Redis."""

    def run(*arguments, **settings):
        settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url, **settings}
        return run_program("erase", *arguments, cwd=tmp_path, **settings)

    return run


@pytest.fixture
def script(root, tmp_path):
    """script(name, arguments, NAME=value...) -> the finished script, in the test's directory."""

    def run(name, *arguments, **settings):
        return subprocess.run([root / "scripts" / name, *map(str, arguments)], cwd=tmp_path,
                              env={"PATH": os.environ["PATH"], **settings}, capture_output=True,
                              text=True, timeout=PATIENCE * 2)

    return run


@pytest.fixture
def start(tmp_path):
    """start(NAME=value, ...) -> a server that answers 200 at wait_for; each call starts another."""
    servers = []

    def start_server(wait_for="/ready", directory=None, **settings):
        server = UicServer(directory or tmp_path / f"server{len(servers) + 1}", settings)
        servers.append(server)
        server.start(wait_for)
        return server

    yield start_server
    for server in servers:
        server.stop()


@pytest.fixture
def graph(tmp_path):
    """A Graph API that takes replies, and refused none that we sent."""
    with Graph(tmp_path / "graph") as server:
        yield server
    assert not server.refused, server.refused


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server with its embedded stores for all tests of a file that only talk to it."""
    with UicServer(tmp_path_factory.mktemp("shared"), {"WORKERS": "2"}) as server:
        yield server


@pytest.fixture
def phone(shared):
    """Somebody who never wrote before, to the shared server."""
    with Phone(shared) as new_phone:
        yield new_phone


@pytest.fixture
def root():
    """The folder of the sources."""
    return Path(__file__).resolve().parents[2]
