"""Fresh systems to install the packages on."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from system import System

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "documents")]


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        pytest.exit("only root makes chroots; scripts/test chroot uses sudo", returncode=2)


@pytest.fixture(scope="session")
def root():
    """The folder of the sources."""
    return Path(__file__).resolve().parents[2]


def build_packages(system, root, folder):
    """By the one command: here when this is such a system, otherwise on a copy of the fresh one, with
    all that it has to install for that. What is built is in /srv of the fresh one then."""
    if f"VERSION_CODENAME={system.suite}\n" in Path("/etc/os-release").read_text():
        done = subprocess.run([root / "scripts/package"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        built = [root / package for package in done.stdout.split()]
    else:
        builder = system.copy(folder)
        subprocess.run("tar -c --exclude=./build --exclude=./.git --exclude=node_modules . | "
                       f"tar -x --no-same-owner -C {folder}/srv", cwd=root, shell=True, check=True)
        done = builder.shell("/srv/scripts/package", network="shared")
        builder.keep_fetched()
        built = [folder / "srv" / package for package in done.split()]
    for package in built:
        shutil.copy(package, system.folder / "srv")
    shutil.rmtree(folder, ignore_errors=True)
    return [f"/srv/{package.name}" for package in built]


@pytest.fixture(scope="session")
def build():
    return build_packages


@pytest.fixture(scope="session")
def fresh(root, tmp_path_factory):
    """fresh(suite) -> a bare system with the packages in /srv. Each suite is made and built once."""
    made, locks, systems = {}, {}, []
    lock = threading.Lock()

    def make(suite):
        system = System(suite, tmp_path_factory.mktemp(suite) / "root", root / "build/chroot-cache")
        systems.append(system)
        system.make()
        system.packages = build_packages(system, root, tmp_path_factory.mktemp(suite) / "builder")
        return system

    def copy(suite):
        with lock:
            one = locks.setdefault(suite, threading.Lock())
        with one:
            if suite not in made:
                made[suite] = make(suite)
            system = made[suite].copy(tmp_path_factory.mktemp(suite) / "root")
        system.packages = made[suite].packages
        systems.append(system)
        return system

    yield copy
    for system in systems:
        system.remove()
