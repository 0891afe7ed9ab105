"""A year of the guide under a real systemd: two instances behind nginx with TLS, people who write all the
while, upgrades, a new token, backups, a restore, removal and return. In a container of systemd-nspawn; where
none boots, it says so."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from booted import Booted, CannotBoot
from guide import Guide
from test_guide import ADDRESS, SETTINGS, TOKEN, Machine

NEW_TOKEN = "fedcba9876543210fedcba9876543210"
UNITS = ["whatsapp-uic.service", "whatsapp-uic@8001.service", "whatsapp-uic.target", "whatsapp-uic-backup.timer"]
TLS = ("    listen 443 ssl;\n    ssl_certificate /etc/ssl/ciu.pem;\n    ssl_certificate_key /etc/ssl/ciu.key;\n")
SITE = "/etc/nginx/sites-enabled/whatsapp-uic.conf"
PEOPLE = 6


class Rehearsal(Machine):
    def states(self, units=UNITS):
        return self.system.run("systemctl", "is-active", *units, check=False).stdout.split()

    def check(self):
        """What `check --server` finds of the instances."""
        said = self.system.run("sudo", "-u", "whatsapp-uic", "whatsapp-uic", "check", "--server", "--env", SETTINGS,
                               check=False).stdout
        return [line for line in said.splitlines() if " server: " in line]

    def set(self, name, value):
        self.system.shell(f"sed -i 's|^{name}=.*|{name}={value}|' {SETTINGS}")

    def until(self, condition):
        """Waits for a condition of the shell's."""
        self.system.shell(f"timeout 120 sh -c 'until {condition}; do sleep 0.2; done'")

    def adapt(self, unit, lines):
        """As `systemctl edit` does it; without lines, as the package has it."""
        folder = f"/etc/systemd/system/{unit}.d"
        self.system.shell(f"mkdir -p {folder} && cat >{folder}/rehearsal.conf" if lines else f"rm -r {folder}", stdin=lines)
        self.system.shell("systemctl daemon-reload")

    def write_during(self, action, token=TOKEN, port=443, people=PEOPLE):
        """People write before, during and after what is done; what they met."""
        crowd = subprocess.Popen(["nsenter", f"--target={self.system.leader}", "--net", "--", sys.executable,
                                  Path(__file__).with_name("writers.py"), ADDRESS, token, str(people), str(port)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert crowd.stdout.readline() == "they write\n"
        try:
            action()
        finally:
            met = json.loads(crowd.communicate()[0])
        assert met["requests"] > people and met["codes"]
        return met

    def lost(self, met):
        """Codes that were told and are not in the database."""
        kept = set(self.psql("SELECT uic_code FROM uic_records").split())
        return [code for code in met["codes"] if code not in kept]


@pytest.fixture(scope="module")
def machine(fresh, root, tmp_path_factory):
    base = fresh("bookworm")
    base.install("systemd-sysv", "dbus", "python3")
    system = base.copy(tmp_path_factory.mktemp("rehearsal") / "machine", Booted)
    for package in base.packages:
        shutil.move(system.folder / package.lstrip("/"), system.folder / "root")
    try:
        system.boot()
    except CannotBoot as why:
        system.remove()
        pytest.skip(f"no systemd boots here, so nothing of it was rehearsed: {why}")
    machine = Rehearsal(system, Guide((root / "docs/guide-deploiement.md").read_text(encoding="utf-8")))
    machine.base = base
    yield machine
    system.keep_fetched()
    system.remove()


def test_two_instances_by_the_guide(machine):
    for section in (5, 6, 7, 8):
        machine.follow(section)
    machine.system.shell("sudo systemctl enable --now whatsapp-uic@8001 && sed -i 's/# *\\(server 127.0.0.1:8001\\)/\\1/' "
                         f"{SITE}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 "
                         "-subj /CN=ciu.example.org -keyout /etc/ssl/ciu.key -out /etc/ssl/ciu.pem 2>/dev/null")
    site = machine.system.read(SITE)
    machine.system.shell(f"cat >{SITE}", stdin=re.sub(r"^( *listen 80;.*\n)", r"\1" + TLS, site, count=1, flags=re.M))
    machine.system.shell("nginx -t && systemctl reload nginx")
    machine.follow(12, only="timer")
    assert machine.states() == ["active"] * 4
    assert machine.check() == ["ok    server: ready on port 8000", "ok    server: ready on port 8001"]


def test_the_salt_may_be_systemds(machine):
    """In a file that root alone reads, as the guide says; and back. Nothing else of the guide changes."""
    salt = machine.setting("UIC_SALT")
    settings = machine.system.read(SETTINGS)
    section = machine.guide.sections[15]
    drop_in = re.search(r"^ *(\[Service\]\n *LoadCredential=.*\n.*)$", section, re.M)[1]
    checked = re.search(r"^ *(sudo systemd-run .* check .*)$", section, re.M)[1]
    machine.system.shell("umask 077; cat >/etc/whatsapp-uic/sel", stdin=salt + "\n")
    machine.set("UIC_SALT", "")
    for unit in ("whatsapp-uic.service", "whatsapp-uic@.service"):
        machine.adapt(unit, drop_in + "\n")
    machine.system.shell("systemctl restart whatsapp-uic.target")
    assert machine.states() == ["active"] * 4
    met = machine.write_during(lambda: None)
    assert met["failures"] == [] and machine.lost(met) == []
    assert "bad" not in machine.system.shell(checked)
    for command in ("init-db", "retention", "export --format csv --no-phone"):
        machine.system.shell(f"cd /tmp && sudo -u whatsapp-uic whatsapp-uic {command} --env {SETTINGS} >/dev/null")
    said = machine.system.run("sudo", "-u", "whatsapp-uic", "whatsapp-uic", "check", "--env", SETTINGS, check=False)
    assert "UIC_SALT: is not set" in said.stdout + said.stderr and salt not in said.stdout + said.stderr
    for unit in ("whatsapp-uic.service", "whatsapp-uic@.service"):
        machine.adapt(unit, "")
    machine.system.shell(f"cat >{SETTINGS}; rm /etc/whatsapp-uic/sel; systemctl restart whatsapp-uic.target", stdin=settings)
    assert machine.states() == ["active"] * 4


@pytest.fixture(scope="module")
def newer(machine, root, build, tmp_path_factory):
    """Packages of a next version, with one more migration, in /root/newer."""
    sources = tmp_path_factory.mktemp("newer")
    subprocess.run("tar -c --exclude=./build --exclude=./.git --exclude=node_modules . | "
                   f"tar -x --no-same-owner -C {sources}", cwd=root, shell=True, check=True)
    schema = sources / "store/records/schema.c"
    text, found = re.subn(r"(_statements\[\] = \{[^}]*)", r'\1, "CREATE TABLE uic_rehearsal (id integer)"',
                          schema.read_text(), flags=re.S)
    assert found == 2
    schema.write_text(text)
    project = sources / "CMakeLists.txt"
    project.write_text(re.sub(r"^(project\(.* VERSION )[\d.]+", r"\g<1>9.0.0", project.read_text(), flags=re.M))
    (machine.system.folder / "root/newer").mkdir()
    for package in build(machine.base, sources, tmp_path_factory.mktemp("newer") / "builder"):
        if "-dev" not in package:
            shutil.copy(machine.base.folder / package.lstrip("/"), machine.system.folder / "root/newer")


def test_an_upgrade_with_a_migration_loses_no_message(machine, newer):
    """A backup first, as the guide says."""
    machine.system.shell("whatsapp-uic-backup")
    machine.before, = machine.system.shell("ls /var/backups/whatsapp-uic/*.pgdump").split()
    met = machine.write_during(lambda: machine.system.shell("dpkg -i /root/newer/*.deb"))
    assert met["failures"] == [] and machine.lost(met) == []
    assert machine.psql("SELECT count(*) FROM uic_rehearsal") == "0"
    for port in (8000, 8001):
        assert '"9.0.0"' in machine.system.shell(f"curl -s http://localhost:{port}/health")
    assert machine.states() == ["active"] * 4, "the nightly backup goes on"


def test_one_instance_restarts_and_no_message_is_lost(machine):
    """Its socket waits at systemd meanwhile: nothing in front of it helps."""
    met = machine.write_during(lambda: machine.system.shell("systemctl restart whatsapp-uic; systemctl restart whatsapp-uic"),
                               port=8000)
    assert met["failures"] == [] and machine.lost(met) == []


def test_a_new_token_reaches_every_instance(machine):
    machine.set("TWILIO_AUTH_TOKEN", f"{NEW_TOKEN},{TOKEN}")
    assert sum("older settings" in line for line in machine.check()) == 2
    met = machine.write_during(lambda: machine.system.shell("systemctl restart whatsapp-uic; systemctl restart whatsapp-uic@8001"))
    assert met["failures"] == [] and machine.lost(met) == []
    machine.set("TWILIO_AUTH_TOKEN", NEW_TOKEN)
    machine.system.shell("systemctl restart whatsapp-uic.target")
    assert len(machine.check()) == 2
    met = machine.write_during(lambda: None, NEW_TOKEN)
    assert met["failures"] == [] and machine.lost(met) == []


def backup_times(machine):
    """What each instance tells of the last backup."""
    told = [machine.system.shell(f"curl -s http://localhost:{port}/metrics") for port in (8000, 8001)]
    return [int(re.search(r"^uic_last_backup_timestamp_seconds (\d+)$", text, re.M)[1]) for text in told]


def test_the_timer_makes_a_backup_and_every_instance_tells_of_it(machine):
    """Not at two in the night: nobody starts it but the timer."""
    before = int(time.time())
    machine.adapt("whatsapp-uic-backup.timer",
                  "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/10\nRandomizedDelaySec=0\nAccuracySec=100ms\n")
    machine.system.shell("systemctl restart whatsapp-uic-backup.timer")
    machine.until("journalctl -u whatsapp-uic-backup | grep -q \"Sauvegarde faite, relue et comptée\"")
    machine.adapt("whatsapp-uic-backup.timer", None)
    machine.system.shell("systemctl restart whatsapp-uic-backup.timer")
    end = time.monotonic() + 60
    while min(backup_times(machine)) < before:
        assert time.monotonic() < end, backup_times(machine)
        time.sleep(0.5)
    assert machine.states() == ["active"] * 4


def test_an_instance_that_hangs_is_restarted_and_no_message_is_lost(machine):
    """Stopped by a signal, as one that turns in a circle: systemd's watchdog sees it, on either instance."""
    units = ["whatsapp-uic", "whatsapp-uic@8001"]
    for unit in ("whatsapp-uic.service", "whatsapp-uic@.service"):
        machine.adapt(unit, "[Service]\nWatchdogSec=4\n")
    machine.system.shell("systemctl restart whatsapp-uic.target")

    def hang():
        for unit in units:
            main = machine.system.shell(f"systemctl show --property=MainPID --value {unit}").strip()
            machine.system.shell(f"kill -STOP {main}")
            machine.until(f"systemctl show --property=MainPID --value {unit} | grep -qvx -e {main} -e 0 && systemctl is-active -q {unit}")

    met = machine.write_during(hang, NEW_TOKEN)
    assert met["failures"] == [] and machine.lost(met) == []
    for unit in units:
        assert "Watchdog timeout" in machine.system.shell(f"journalctl -u {unit}")
        assert machine.system.shell(f"systemctl show --property=NRestarts --value {unit}") == "1\n"
    for unit in ("whatsapp-uic.service", "whatsapp-uic@.service"):
        machine.adapt(unit, None)
    machine.system.shell("systemctl restart whatsapp-uic.target")
    assert machine.states() == ["active"] * 4


def test_a_restore_waits_until_nobody_is_connected(machine):
    backup = machine.system.shell("ls /var/backups/whatsapp-uic/*.pgdump").split()[-1]
    before = machine.psql("SELECT count(*) FROM uic_records")
    done = machine.system.run("whatsapp-uic-restore", "--force", backup, check=False)
    assert done.returncode == 1 and "Nothing was changed" in done.stderr
    said = machine.system.shell(f"systemctl stop whatsapp-uic.target; whatsapp-uic-restore --force {backup}")
    assert machine.states()[:3] == ["inactive"] * 3
    assert "D'abord une copie" in said and machine.psql("SELECT count(*) FROM uic_records") == before
    machine.system.shell("systemctl start whatsapp-uic.target")
    assert machine.states() == ["active"] * 4
    assert machine.write_during(lambda: None, NEW_TOKEN)["failures"] == []


def test_a_mistake_in_the_settings_is_found_by_the_guides_lines(machine):
    """With the priority that the journal asks for, and by the words that the guide looks for."""
    machine.set("LOG_LEVEL", "LOUD")
    since = machine.system.shell("date +@%s").strip()
    assert machine.system.run("systemctl", "restart", "whatsapp-uic", check=False).returncode != 0
    told = 'CRITICAL start_failed what=LOG_LEVEL reason="'
    assert told in machine.system.shell(f"journalctl -u whatsapp-uic --since {since} -p err --output=cat")
    looking, = (command for block in machine.guide.blocks(10) for command in block.commands() if "grep -E" in command)
    assert told in machine.system.shell(looking)
    machine.set("LOG_LEVEL", "INFO")
    machine.system.shell("systemctl restart whatsapp-uic.target")
    assert machine.states() == ["active"] * 4


def test_one_instance_that_is_down_is_told(machine):
    machine.system.shell("systemctl stop whatsapp-uic@8001")
    assert any(line.startswith("bad") and "8001" in line for line in machine.check())
    machine.system.shell("systemctl reload whatsapp-uic.target; systemctl restart whatsapp-uic.target")
    assert machine.states() == ["active"] * 4


def listens(machine, port):
    """On which addresses somebody listens at a port."""
    rows = [row.split() for row in machine.system.shell("cat /proc/net/tcp").splitlines()[1:]]
    return [".".join(str(byte) for byte in reversed(bytes.fromhex(local[:8])))
            for _, local, _, state, *_ in rows if state == "0A" and int(local[9:], 16) == port]


def test_an_upgrade_under_a_wrong_setting_leaves_who_still_answers(machine, newer):
    """The refused instance gives up its port, so that nobody waits there; the other one is not touched."""
    machine.system.shell(f"echo SESSION_TIMEOUT_MINUTES=abc >>{SETTINGS}")
    said = machine.system.shell("dpkg -i /root/newer/*.deb 2>&1")
    assert "whatsapp-uic.service ne repart pas" in said and "n'ont pas été touchées" in said
    assert machine.states()[0] != "active" and machine.states()[1] == "active"
    assert listens(machine, 8000) == [] and listens(machine, 8001) == ["127.0.0.1"]
    met = machine.write_during(lambda: None, NEW_TOKEN)
    assert met["failures"] == [] and machine.lost(met) == []
    machine.system.shell(f"sed -i '$d' {SETTINGS}; systemctl restart whatsapp-uic.target")
    assert machine.states() == ["active"] * 4


def test_another_host_needs_no_more_than_a_restart(machine):
    for host in ("0.0.0.0", "127.0.0.1"):
        machine.set("HOST", host)
        machine.system.shell("systemctl restart whatsapp-uic.target")
        assert machine.states() == ["active"] * 4
        assert listens(machine, 8000) == [host] and listens(machine, 8001) == [host]
    assert machine.write_during(lambda: None, NEW_TOKEN)["failures"] == []


def test_removed_and_installed_again_all_goes_on(machine):
    machine.system.shell("apt-get remove -qy whatsapp-uic")
    assert machine.states() == ["inactive"] * 4
    assert machine.system.run("pgrep", "-u", "whatsapp-uic", check=False).stdout == ""
    machine.system.shell("dpkg -i /root/newer/*.deb")
    assert machine.states() == ["active"] * 4
    assert machine.write_during(lambda: None, NEW_TOKEN)["failures"] == []


def test_purged_nothing_runs_and_the_codes_stay(machine):
    before = machine.psql("SELECT count(*) FROM uic_records")
    machine.system.shell("apt-get purge -qy whatsapp-uic")
    assert machine.states() == ["inactive"] * 4
    assert machine.system.run("pgrep", "-u", "whatsapp-uic", check=False).stdout == ""
    assert machine.system.shell("find /etc/systemd/system -name 'whatsapp-uic*'") == ""
    machine.system.shell("dpkg -i /root/newer/*.deb")
    assert machine.states() == ["active", "inactive", "active", "inactive"], "as new: one instance, no backups"
    assert machine.psql("SELECT count(*) FROM uic_records") == before
    assert machine.system.run("systemctl", "--failed", "--no-legend").stdout == ""


def test_the_way_back_to_the_version_before(machine):
    """It cannot read the newer one's tables and says so; the backup made before the upgrade brings it back."""
    machine.system.shell("apt-get install -qy --allow-downgrades /root/libuic1_*.deb /root/whatsapp-uic_*.deb")
    said = machine.system.run("sudo", "-u", "whatsapp-uic", "whatsapp-uic", "check", "--env", SETTINGS, check=False)
    assert said.returncode == 1 and re.search(r"^bad +database: .*newer", said.stdout, re.M), said.stdout
    machine.system.shell(f"systemctl stop whatsapp-uic.target; whatsapp-uic-restore --force {machine.before}; "
                         "systemctl start whatsapp-uic.target")
    assert '"9.0.0"' not in machine.system.shell("curl -s http://localhost:8000/health")
    assert machine.psql("SELECT to_regclass('uic_rehearsal')") == ""
    met = machine.write_during(lambda: None, NEW_TOKEN)
    assert met["failures"] == [] and machine.lost(met) == []
