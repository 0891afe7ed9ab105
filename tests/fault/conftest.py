"""The stage of the fault tests, and the path to what they share with the end to end tests."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from stage import Stage  # noqa: E402


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not os.access(os.environ.get("WHATSAPP_UIC", ""), os.X_OK):
        pytest.exit("WHATSAPP_UIC must name the program; scripts/test fault does it", returncode=2)


@pytest.fixture
def set_up(tmp_path):
    """set_up(kind, ...) -> a stage of Redis, database, two instances and nginx, started."""
    stages = []

    def start(kind, **options):
        stages.append(Stage(tmp_path, kind, **options))
        stages[-1].start()
        return stages[-1]

    yield start
    for stage in stages:
        stage.stop()
