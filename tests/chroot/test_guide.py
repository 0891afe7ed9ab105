"""The deployment guide, followed to the letter: from a fresh Debian 12 and the package files to the first
code, through a year of care, and from the Python version. What it marks is followed, what stands in its
text is typed; the net is there for apt alone. tests/documents says what needs a machine of its own."""

import re
import shlex
import shutil
import time
from urllib.parse import urlencode

import pytest
from commands import inline_on_the_machine
from guide import Guide
from old_database import INITIAL, SALT as OLD_SALT, people, write_sqlite
from phone import new_sid, reply_text, signature, twilio_form
from texts import JEAN, code_in, code_of

SETTINGS = "/etc/whatsapp-uic/whatsapp-uic.env"
ADDRESS, TOKEN = "https://ciu.example.org", "0123456789abcdef0123456789abcdef"
TYPED = {"TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000", "TWILIO_AUTH_TOKEN": TOKEN,
         "TWILIO_WHATSAPP_NUMBER": "whatsapp:+14155238886", "UIC_SALT": OLD_SALT}
NUMBER = "+243999999999"
TYPED_IN_CHAT = "\n".join(["Bonjour", *JEAN])
# What starts by itself when it is installed on a machine with systemd.
STARTED = {"postgresql", "redis-server", "nginx", "whatsapp-uic"}
COMMANDS_MAX, MINUTES_MAX, WORDS_A_MINUTE = 12, 30, 120  # slowly, with a finger on the line


class Machine:
    """A machine, and somebody who has the guide."""

    def __init__(self, system, guide):
        self.system, self.guide = system, guide
        self.seconds = 0
        self.followed = set()

    def type(self, commands):
        """As root, in root's folder, with nobody there to say yes."""
        network = "shared" if re.search(r"\bapt\b", commands) else "alone"
        started = time.monotonic()
        said = self.system.shell(f"cd /root\n{commands}", network=network, stdin=TYPED_IN_CHAT)
        installed = STARTED & set(commands.replace("_", " ").replace("/", " ").split())
        if "apt install" in commands and installed:
            self.system.shell(f"systemctl start {' '.join(sorted(installed))}")
        self.seconds += time.monotonic() - started
        return said

    def edit(self, settings):
        """What the guide says is to be written, with values for what it leaves to people."""
        text = self.system.read(SETTINGS)
        for name, value in settings.items():
            value = TYPED[name] if "…" in value else value
            text, found = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.M)
            assert found == 1, name
        self.system.shell(f"cat >{SETTINGS}", stdin=text)

    def follow(self, section, only=""):
        """What a section marks, in its order; `only`: blocks with this in them. Returns what was said."""
        said = ""
        for block in self.guide.blocks(section):
            if only not in block.text:
                continue
            if block.kind is not None:
                self.followed.add(block.text)
            if block.kind == "test: edit":
                self.edit(self.guide.settings(section))
            elif block.kind == "test":
                newest = "$(ls -t /var/backups/whatsapp-uic | head -n 1)"
                said += self.type(block.text.replace("NOM-DE-LA-SAUVEGARDE", newest)
                                  .replace("erase --phone", "erase --yes --phone"))
        return said

    def write(self, *messages, sender=NUMBER):
        """The replies to messages that come by Twilio and nginx, signed over the public address."""
        script = ""
        for text in messages:
            form = urlencode(twilio_form(sender, text, new_sid()))
            signed = signature(TOKEN, ADDRESS + "/whatsapp/webhook", form)
            script += (f"curl -sSf -H 'Host: ciu.example.org' -H 'X-Twilio-Signature: {signed}' "
                       f"-d {shlex.quote(form)} http://127.0.0.1/whatsapp/webhook; echo; echo --\n")
        return [reply_text(xml.strip()) for xml in self.system.shell(script).split("--\n")[:-1]]

    def begin_anew(self):
        """With an empty database and Redis, the service stopped."""
        self.system.shell("systemctl stop whatsapp-uic.target; sudo -u postgres dropdb whatsapp_uic; "
                          "redis-cli flushall")
        created, = [command for block in self.guide.blocks(6) for command in block.commands()
                    if "createdb" in command]
        self.type(created)

    def setting(self, name):
        return re.search(rf'^{name}="?(.*?)"?$', self.system.read(SETTINGS), re.M)[1]

    def psql(self, sql):
        return self.system.shell(f'sudo -u whatsapp-uic psql -XAtq whatsapp_uic -c "{sql}"').strip()


@pytest.fixture(scope="module")
def guide(root):
    return Guide((root / "docs/guide-deploiement.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def machine(fresh, guide, root):
    """Bare, with the package files where scp puts them, and what stands in for systemd."""
    system = fresh("bookworm")
    for package in system.packages:
        shutil.move(system.folder / package.lstrip("/"), system.folder / "root")
    shutil.copy(root / "tests/chroot/systemctl", system.folder / "usr/local/bin")
    system.boot()
    yield Machine(system, guide)
    system.keep_fetched()
    system.halt()


def test_the_way_to_the_first_code_is_short(guide):
    """From the package files on: sections 6 to 8 are what everybody types."""
    typed = [command for section in (6, 7, 8) for block in guide.blocks(section)
             if block.language == "bash" for command in block.commands()]
    assert len(typed) <= COMMANDS_MAX, typed


def test_from_the_package_to_the_first_code(machine, guide, record_property):
    for section in (5, 6, 7, 8):
        said = machine.follow(section)
    assert "server_name ciu.example.org" in said
    machine.system.shell("until curl -sf -H 'Host: ciu.example.org' http://127.0.0.1/ready; do sleep 0.1; done")
    replies = machine.write("Bonjour", *JEAN)
    assert code_in(replies[-1]) == code_of(JEAN, salt=machine.setting("UIC_SALT"))

    minutes = machine.seconds / 60
    reading = guide.words(5, 6, 7, 8) / WORDS_A_MINUTE
    record_property("minutes of the machine", f"{minutes:.1f}")
    record_property("minutes to read", f"{reading:.1f}")
    print(f"the machine took {minutes:.1f} minutes, reading takes {reading:.1f}")
    assert minutes + reading < MINUTES_MAX


def test_it_is_tried_as_the_guide_says(machine):
    said = machine.follow(9)
    assert '"status":"healthy"' in said and '"status":"ready"' in said
    again = machine.write("Bonjour", *(answer.upper() for answer in JEAN))
    assert code_in(again[-1]) == code_of(JEAN, salt=machine.setting("UIC_SALT"))


def test_without_a_phone_the_code_is_the_same(machine):
    assert code_in(machine.follow(9, only=" chat ")) == code_of(JEAN, salt=machine.setting("UIC_SALT"))


def test_what_is_done_every_day_and_month(machine):
    code = code_of(JEAN, salt=machine.setting("UIC_SALT"))
    machine.follow(10, only="apt upgrade")
    said = machine.follow(10, only="check --quiet")
    assert said.startswith("whatsapp-uic OK")
    machine.follow(10, only="apt install")
    machine.follow(10, only="duplicates")
    machine.follow(10, only="export")
    exported = machine.system.read("/root/codes.csv")
    assert exported.startswith("\ufeff") and code in exported and NUMBER not in exported
    assert re.search(r"^ +1$", machine.follow(10, only="psql"), re.M)


def test_backed_up_dropped_and_restored_the_code_is_the_same(machine):
    code = code_of(JEAN, salt=machine.setting("UIC_SALT"))
    assert "(1 code)" in machine.follow(12, only="sudo whatsapp-uic-backup")
    machine.follow(12, only="timer")
    machine.begin_anew()
    machine.follow(12, only="restore")
    before = int(machine.psql("SELECT request_count FROM uic_records"))
    assert code_in(machine.write("Bonjour", *JEAN)[-1]) == code
    assert machine.psql("SELECT count(*), max(request_count) FROM uic_records") == f"1|{before + 1}"


def test_numbers_are_sealed_and_a_person_is_told_what_is_kept(machine):
    machine.follow(10, only="phones --seal")
    assert machine.psql("SELECT phone_number LIKE 'siv:%' FROM uic_records") == "t"
    said = machine.follow(10, only="records --phone")
    assert code_of(JEAN, salt=machine.setting("UIC_SALT")) in said


def test_a_number_is_erased(machine):
    machine.follow(10, only="erase")
    assert "RETENTION_DAYS" in machine.follow(10, only="whatsapp-uic retention")
    assert machine.psql("SELECT count(*), max(phone_number) FROM uic_records") == "1|"
    assert NUMBER not in machine.system.shell("sudo -u postgres pg_dump whatsapp_uic")


def test_questions_of_ones_own_and_strangers(machine):
    assert "ok    flow" in machine.follow(16)
    assert "bad " not in machine.follow(14)
    machine.follow(15)


def test_cron_tells_nobody_that_all_is_well(machine, guide):
    line, = (line for block in guide.blocks(11) for line in block.commands() if line.startswith("*/5 ") and "out=" in line)
    user, command = line.split(maxsplit=6)[5:]
    assert machine.system.run("runuser", "-u", user, "--", "sh", "-c", command).stdout == ""


@pytest.mark.parametrize("command", inline_on_the_machine())
def test_what_stands_in_the_text(machine, command):
    machine.type(command)


def test_from_the_python_version(machine, guide, tmp_path):
    """On a machine that gave no code yet, with the old salt and form."""
    old = people(INITIAL, 40)
    write_sqlite(tmp_path / "old.db", INITIAL, old)
    shutil.copy(tmp_path / "old.db", machine.system.folder / "root/uic_database.db")
    machine.begin_anew()
    machine.edit(guide.settings(13))
    machine.system.shell("systemctl start whatsapp-uic.target")
    said = machine.follow(13)
    assert "40 rows read, 40 would be taken" in said and "40 rows read, 40 taken, 0 already" in said
    for person in old[:3]:
        assert person.code in machine.write("Bonjour", *person.answers, sender=person.phone)[-1]


def test_all_that_is_marked_was_followed(machine, guide):
    """The last one."""
    assert [block.text for section in guide.sections for block in guide.blocks(section)
            if block.kind is not None and block.text not in machine.followed] == []
