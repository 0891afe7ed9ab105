"""A Debian system that its own systemd runs, in a container of systemd-nspawn."""

import os
import signal
import subprocess
import time
from pathlib import Path

from system import System

PATIENCE = 120
GROUPS = Path("/sys/fs/cgroup")


class CannotBoot(Exception):
    """This machine does not let a systemd run inside."""


def own_group(name):
    """Where systemd does not run this machine, nobody gives the container a group of its own."""
    parents = [GROUPS] if (GROUPS / "cgroup.procs").exists() else \
        [path for path in (GROUPS / "systemd", GROUPS / "unified") if path.exists()]
    return [parent / name for parent in parents]


class Booted(System):
    """What a System is; from boot() to halt() commands run beside its systemd. To be made by copy()
    from a System on which systemd-sysv and dbus are installed."""

    manager = None

    def boot(self):
        managed = Path("/run/systemd/system").exists()
        groups = [] if managed else own_group(f"uic-rehearsal-{os.getpid()}")
        join = "".join(f"mkdir -p {group} && echo $$ >{group}/cgroup.procs && " for group in groups)
        alone = [] if managed else ["--register=no", "--keep-unit"]
        (self.folder / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        self.log = self.folder.with_suffix(".boot")
        with self.log.open("w") as log:
            self.manager = subprocess.Popen(
                ["sh", "-c", join + 'exec "$@"', "sh", "systemd-nspawn", "--quiet", *alone,
                 f"--directory={self.folder}", "--boot", "--private-network", "--link-journal=no",
                 "--resolv-conf=off", "--timezone=off", "--console=pipe"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._await_systemd()

    def _await_systemd(self):
        """Until all that starts by itself has started."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.manager.poll() is None:
            children = Path(f"/proc/{self.manager.pid}/task/{self.manager.pid}/children").read_text()
            if children:
                self.leader = int(children.split()[0])
                done = self.run("systemctl", "is-system-running", "--wait", check=False)
                if done.stdout.strip() in ("running", "degraded"):
                    return
            time.sleep(0.1)
        self.halt()
        raise CannotBoot(f"systemd-nspawn: {self.log.read_text()[-300:].strip()}")

    def halt(self):
        if self.manager is None:
            return
        self.manager.send_signal(signal.SIGTERM)  # it shuts down in order
        try:
            self.manager.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.manager.kill()
            self.manager.wait()
        self.manager = None

    def _command(self, arguments, network):
        if self.manager is None:
            return super()._command(arguments, network)
        alone = ["--net"] if network == "alone" else []
        return ["nsenter", f"--target={self.leader}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", *alone,
                "--", *(str(argument) for argument in arguments)]


