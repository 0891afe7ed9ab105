"""Fresh systems to install the packages on. Each suite of Debian is made and built once, by whichever file of
tests wants it first; the files run side by side, each in a process of its own."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from system import System

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "documents")]

BASES = "UIC_CHROOT_BASES"  # names the folder of what is copied; the first process makes it


def pytest_configure():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        pytest.exit("only root makes chroots; scripts/test chroot uses sudo", returncode=2)
    if BASES not in os.environ:
        os.environ[BASES] = tempfile.mkdtemp(prefix="uic-bases-")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(BASES), ignore_errors=True)


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
    """fresh(suite) -> a bare system with the packages in /srv."""
    systems = []

    def make(base):
        base.remove()  # what somebody began
        base.make()
        return build_packages(base, root, tmp_path_factory.mktemp(base.suite) / "builder")

    def copy(suite):
        bases = Path(os.environ[BASES])
        base = System(suite, bases / suite, root / "build/chroot-cache")
        built = bases / f"{suite}.packages"
        with open(bases / f"{suite}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not built.exists():
                built.write_text("\n".join(make(base)))
        system = base.copy(tmp_path_factory.mktemp(suite) / "root")
        system.packages = built.read_text().split()
        systems.append(system)
        return system

    yield copy
    for system in systems:
        system.remove()
