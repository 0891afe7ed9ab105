"""Fresh systems to install the packages on."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        pytest.exit("only root makes chroots; scripts/test chroot uses sudo", returncode=2)


@pytest.fixture(scope="session")
def root():
    """The folder of the sources."""
    return Path(__file__).resolve().parents[2]
