"""The packages, built once for all of these tests, and what is in them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/documents")]
from processes import UicServer  # noqa: E402


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not os.access(os.environ.get("WHATSAPP_UIC", ""), os.X_OK):
        pytest.exit("WHATSAPP_UIC must name the program; scripts/test package does it", returncode=2)


@pytest.fixture(scope="session")
def root():
    """The folder of the sources."""
    return ROOT


@pytest.fixture(scope="session")
def packages():
    """The folder of the packages, made by the one command."""
    done = subprocess.run([ROOT / "scripts/package"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ROOT / "build/packages"


@pytest.fixture(scope="session")
def installed(packages, tmp_path_factory):
    """A folder with everything that the packages would put on a machine."""
    folder = tmp_path_factory.mktemp("installed")
    for package in sorted(packages.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def settings():
    """The names in the table of settings, as --help tells them."""
    done = subprocess.run([os.environ["WHATSAPP_UIC"], "--help"], capture_output=True, text=True,
                          check=True)
    table = done.stdout.partition("\nSettings")[2].partition("\n\n")[0]
    names = [line.split()[0] for line in table.splitlines()[1:] if line[2:3].isupper()]
    assert len(names) > 20
    return names


@pytest.fixture
def start(tmp_path):
    """start(NAME=value, ...) -> a server of ours."""
    servers = []

    def start_server(**settings):
        servers.append(UicServer(tmp_path / f"server{len(servers) + 1}", settings))
        servers[-1].start()
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()
