"""A Debian system of its own in a folder, made by debootstrap from this machine's mirror. What runs in
it has its own mounts, processes and network, which end with it, or, once it is booted, when it halts."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

# Runs inside, before anything else: a network of its own has a loopback that is down.
ENTER = r"""
import fcntl, os, signal, socket, struct, subprocess, sys
folder, network = sys.argv[1], sys.argv[2] == "alone"
if network:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sh22x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
subprocess.run(["mount", "-t", "proc", "proc", folder + "/proc"], check=True)
subprocess.run(["mount", "--rbind", "/dev", folder + "/dev"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder + "/dev/shm"], check=True)
os.chroot(folder)
os.chdir("/")
if len(sys.argv) > 3:
    os.execvp(sys.argv[3], sys.argv[3:])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # the first process: buries the others
print("booted", flush=True)
while signal.sigwait({signal.SIGCHLD}):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}


def mirror():
    """Where this machine gets Debian from."""
    sources = Path("/etc/apt")
    for path in [*sources.glob("sources.list.d/*.sources"), sources / "sources.list",
                 *sources.glob("sources.list.d/*.list")]:
        text = path.read_text() if path.exists() else ""
        found = re.search(r"^(?:URIs:|deb(?: \[.*\])?) *(https?://\S+/debian/?)(?:\s|$)", text, re.M)
        if found:
            return found[1]
    return "http://deb.debian.org/debian"


class System:
    """One suite of Debian in a folder that is removed by remove()."""

    def __init__(self, suite, folder, cache):
        self.suite = suite
        self.folder = folder
        self.cache = cache / suite  # packages that were fetched before
        self.first = None  # what holds its namespaces, once it is booted

    def make(self):
        """From nothing. apt inside keeps what it fetches in the cache, for the next time."""
        self.cache.mkdir(parents=True, exist_ok=True)
        self._check(subprocess.run(
            ["debootstrap", "--variant=minbase", f"--cache-dir={self.cache.resolve()}", self.suite,
             self.folder, mirror()], capture_output=True, text=True))
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        (self.folder / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n"
                                               "::1 localhost\n")
        policy = self.folder / "usr/sbin/policy-rc.d"  # nothing starts by itself: there is no init
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        # Its disk need not survive the machine.
        (self.folder / "etc/dpkg/dpkg.cfg.d/fast").write_text("force-unsafe-io\n")
        archives = self.folder / "var/cache/apt/archives"
        for package in self.cache.glob("*.deb"):
            shutil.copy(package, archives)
        self.run("apt-get", "update", "-q", network="shared")

    def copy(self, folder, kind=None):
        """Another one, as this one is now."""
        subprocess.run(["cp", "-a", "--reflink=auto", self.folder, folder], check=True)
        return (kind or System)(self.suite, folder, self.cache.parent)

    def keep_fetched(self):
        for package in (self.folder / "var/cache/apt/archives").glob("*.deb"):
            if not (self.cache / package.name).exists():
                part = self.cache / f"{package.name}.{os.getpid()}"  # others read there
                shutil.copy(package, part)
                part.rename(self.cache / package.name)

    def install(self, *packages):
        """apt-get install, as the guide says."""
        done = self.run("apt-get", "install", "-qy", "--no-install-recommends",
                        "-o", "APT::Keep-Downloaded-Packages=true", *packages, network="shared")
        self.keep_fetched()
        return done.stdout

    def boot(self):
        """From here on all that runs inside shares mounts, processes and network, so that what one
        command starts is there for the next; until halt()."""
        self.first = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self._enter([], "alone")],
                                      env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        assert self.first.stdout.readline() == "booted\n"

    def halt(self):
        if self.first is not None:
            self.first.kill()
            self.first.wait()
            self.first.stdout.close()
            self.first = None

    def _enter(self, arguments, network):
        alone = ["--net"] if network == "alone" else []
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", *alone, "--",
                "/usr/bin/python3", "-c", ENTER, str(self.folder), network, *arguments]

    def _command(self, arguments, network):
        arguments = [str(argument) for argument in arguments]
        if self.first is None:
            return self._enter(arguments, network)
        spaces = f"/proc/{self.first.pid}/ns"
        alone = [f"--net={spaces}/net"] if network == "alone" else []
        return ["nsenter", f"--mount={spaces}/mnt", f"--pid={spaces}/pid_for_children", *alone, "--",
                "chroot", str(self.folder), *arguments]

    @staticmethod
    def _check(done):
        assert done.returncode == 0, f"{done.args}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def run(self, *arguments, network="alone", stdin=None, check=True):
        """A command as root inside, without a network unless that is shared."""
        done = subprocess.run(self._command(arguments, network), env=ENVIRONMENT, input=stdin,
                              capture_output=True, encoding="utf-8", errors="replace")
        return self._check(done) if check else done

    def shell(self, script, **options):
        """A script inside, every command of which must succeed; returns what it printed."""
        return self.run("bash", "-euo", "pipefail", "-c", script, **options).stdout

    def read(self, path):
        return (self.folder / path.lstrip("/")).read_text(encoding="utf-8")

    def remove(self):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)
