"""The systemd units: understood, closed, and in step with what the server does."""

import re
import subprocess

import pytest
from phone import Phone
from processes import SALT, UicServer

EXPOSURE_MAX = 2.0
BACKUP_EXPOSURE_MAX = 3.0  # root, to become the user of the database
UNITS = ["whatsapp-uic.service", "whatsapp-uic@.service"]
TARGET = "whatsapp-uic.target"
BACKUP = ["whatsapp-uic-backup.service", "whatsapp-uic-backup.timer"]
# Asked for to raise or to lower limits; the server goes on without. And SQLite gives new files to the
# owner of the database, but only when root asks, as this test may.
MAY_FAIL = {"setrlimit", "prlimit64", "fchown"}


@pytest.fixture
def unit(installed, tmp_path):
    """unit(name) -> its file, with its programs where they lie now."""
    def place(name):
        (source,) = installed.glob(f"**/lib/systemd/system/{name}")
        text = source.read_text()
        programs = re.sub(r"(?<==)/usr/bin/(?=whatsapp-uic)", f"{installed}/usr/bin/", text)
        target = tmp_path / name.replace("@", "@8001")
        target.write_text(programs)
        return target
    return place


def directive(path, name):
    return re.search(rf"^{name}=(.*)$", path.read_text(), re.M)[1]


@pytest.mark.parametrize("name", [*UNITS, TARGET, *BACKUP])
def test_systemd_understands_it(unit, name):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit(name)],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr


@pytest.mark.parametrize("name", [*UNITS, BACKUP[0]])
def test_it_is_closed(unit, name):
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit(name)],
                          capture_output=True, text=True, check=True)
    exposure = float(re.search(r"exposure level for .*: ([\d.]+)", done.stdout)[1])
    assert exposure <= (EXPOSURE_MAX if name in UNITS else BACKUP_EXPOSURE_MAX), done.stdout


@pytest.mark.parametrize("name", [*UNITS, TARGET, *BACKUP])
def test_its_manual_pages_exist(unit, installed, name):
    for page, section in re.findall(r"man:([\w.-]+)\((\d)\)", directive(unit(name), "Documentation")):
        assert (installed / f"usr/share/man/man{section}/{page}.{section}.gz").is_file()


def test_stopping_has_time_for_what_the_server_does(unit, root):
    """STOP_DELAY_SECONDS at its most, and what is in flight."""
    drain = re.search(r"#define DRAIN_MS (\d+)", (root / "server/serving/worker.c").read_text())
    delay = re.search(r'"STOP_DELAY_SECONDS".*?\.max = (\d+)',
                      (root / "server/config/config_settings.c").read_text(), re.S)
    longest = int(delay[1]) + int(drain[1]) / 1000
    assert int(directive(unit(UNITS[0]), "TimeoutStopSec")) >= longest + 10


@pytest.mark.parametrize("name", UNITS)
def test_what_is_asked_of_the_target_is_asked_of_every_instance(unit, name):
    path = unit(name)
    assert directive(path, "PartOf") == directive(path, "ReloadPropagatedFrom") == TARGET
    assert directive(path, "WantedBy") == TARGET


def test_an_upgrade_stops_neither_the_timer_nor_the_target(packages, tmp_path):
    """And a removal stops both. Under a real systemd: tests/chroot/test_rehearsal.py."""
    (package,) = packages.glob("whatsapp-uic_*.deb")
    subprocess.run(["dpkg-deb", "-e", package, tmp_path], check=True)
    assert not (tmp_path / "preinst").exists()
    stops = re.search(r'"\$1" = remove.*?\n(.*whatsapp-uic.target whatsapp-uic-backup.timer)', (tmp_path / "prerm").read_text())
    assert "deb-systemd-invoke stop" in stops[1]
    assert "restart whatsapp-uic.target" not in re.sub("sudo systemctl.*", "", (tmp_path / "postinst").read_text())


def test_it_restarts_for_ever(unit):
    path = unit(UNITS[0])
    assert directive(path, "Type") == "notify"
    assert directive(path, "Restart") == "always"
    assert directive(path, "StartLimitIntervalSec") == "0"


def system_calls(group):
    """The names in a group of systemd's, with those of the groups in it."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True,
                          text=True, check=True)
    names = set()
    for line in done.stdout.splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            names |= system_calls(name)
        elif name and not name.startswith("#"):
            names.add(name)
    return names


def allowed_calls(path):
    """What the lines SystemCallFilter= of a unit leave."""
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", path.read_text(), re.M):
        for group in line.lstrip("~").split():
            if line.startswith("~"):
                allowed -= system_calls(group)
            else:
                allowed |= system_calls(group)
    return allowed


def test_the_server_needs_no_system_call_that_is_forbidden(unit, installed, tmp_path):
    trace = tmp_path / "trace"

    class Traced(UicServer):
        def spawn(self, arguments, **options):
            super().spawn(["strace", "-D", "-f", "-qq", "-e", "signal=none", "-o", trace, *arguments],
                          **options)

    server = Traced(tmp_path / "server", {"UIC_SALT": SALT, "WORKERS": 2})
    server.program = installed / "usr/bin/whatsapp-uic"
    server.start()
    with Phone(server) as phone:
        for answer in ("Bonjour", "1985", "Kinshasa", "Jean", "15", "Kabila"):
            phone.say(answer)
    server.terminate()
    server.wait()
    called = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]", trace.read_text(), re.M)) - {"resuming"}
    assert {"epoll_wait", "accept4"} <= called
    forbidden = called - allowed_calls(unit(UNITS[0])) - MAY_FAIL
    assert not forbidden
