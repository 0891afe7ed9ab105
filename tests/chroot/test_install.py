"""From a bare Debian to the first code, with nothing but the packages."""

import re
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest
from phone import new_sid, reply_text
from texts import JEAN, code_in, code_of, message

SUITES = ["bookworm", "trixie"]
SETTINGS = "/etc/whatsapp-uic/whatsapp-uic.env"
DATABASE = "/var/lib/whatsapp-uic/whatsapp-uic.db"
END = "-- end of reply --"
AS_SERVICE = "runuser -u whatsapp-uic --"


@pytest.fixture(scope="module")
def systems(fresh):
    """Fresh systems with the packages installed by apt, as the guide does it; all made at once."""
    def prepare(suite):
        system = fresh(suite)
        system.said = system.install("curl", *system.packages)
        return system

    with ThreadPoolExecutor() as threads:
        yield {suite: threads.submit(prepare, suite) for suite in SUITES}


@pytest.fixture(scope="module", params=SUITES)
def system(request, systems):
    return systems[request.param].result()


@pytest.fixture
def service(system):
    """The command that the unit starts, and how it is started where there is no systemd."""
    text = system.shell("cat $(find /lib/systemd/system /usr/lib/systemd/system "
                        "-name whatsapp-uic.service | head -n 1)")
    start, = re.findall(r"^ExecStart=(.*)$", text, re.M)
    user, = re.findall(r"^User=(.*)$", text, re.M)
    folder, = re.findall(r"^WorkingDirectory=(.*)$", text, re.M)
    group, = re.findall(r"^Group=(.*)$", text, re.M)
    return (f"(cd {folder} && exec setpriv --reuid={user} --regid={group} --init-groups "
            f"--no-new-privs -- {start})")


def play(system, service, messages, sender="+243990000001", before=""):
    """Starts the service, writes to it with curl, stops it; returns the replies, and its log."""
    script = f"""
        {before}
        {service} >/tmp/log 2>&1 & child=$!
        for i in $(seq 300); do curl -sf localhost:8000/ready >/dev/null && break; sleep 0.1; done
        """
    for text in messages:
        script += f"""
        curl -sS --data-urlencode {shlex.quote('From=whatsapp:' + sender)} \\
            --data-urlencode {shlex.quote('Body=' + text)} -d MessageSid={new_sid()} \\
            localhost:8000/whatsapp/webhook; echo '{END}'
        """
    script += "kill $child; wait $child"
    done = system.run("bash", "-uc", script, check=False)
    log = system.read("/tmp/log")
    assert done.returncode == 0, done.stdout + done.stderr + log
    return [reply_text(xml) for xml in done.stdout.split(f"{END}\n")[:-1]], log


def salt_of(system):
    return re.search(r'^UIC_SALT="(.*)"$', system.read(SETTINGS), re.M)[1]


def test_the_installation_says_what_is_to_be_filled_in(system):
    for word in ("PUBLIC_URL", "TWILIO_AUTH_TOKEN", "ENVIRONMENT=production", "à l'essai"):
        assert word in system.said


def test_the_settings_are_for_the_service_and_nobody_else(system):
    assert system.shell(f"stat -c '%a %U:%G' {SETTINGS}") == "640 root:whatsapp-uic\n"
    assert system.shell(f"stat -c '%a %U:%G' {DATABASE.rpartition('/')[0]}") \
        == "750 whatsapp-uic:whatsapp-uic\n"
    assert system.shell(f"stat -c '%U:%G' {DATABASE}") == "whatsapp-uic:whatsapp-uic\n"
    assert re.fullmatch(r"[\w-]{43}", salt_of(system))
    assert re.search(r'^ADMIN_TOKEN="[\w-]{43}"$', system.read(SETTINGS), re.M)


def test_check_finds_nothing_bad(system):
    said = system.shell(f"{AS_SERVICE} whatsapp-uic check --env {SETTINGS}")
    assert "\nbad" not in f"\n{said}" and "hint  PUBLIC_URL" in said


def test_a_conversation_gives_the_code(system, service):
    replies, _ = play(system, service, ["Bonjour", *JEAN])
    assert message("welcome") in replies[0]
    assert code_in(replies[-1]) == code_of(JEAN, salt=salt_of(system))


def test_upgrading_keeps_settings_and_codes(system, service):
    first, _ = play(system, service, ["Bonjour", *JEAN], "+243990000002")
    edited = system.read(SETTINGS).replace("LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG")
    system.shell(f"cat >{SETTINGS}", stdin=edited)
    system.run("dpkg", "-i", *system.packages)
    assert system.read(SETTINGS) == edited
    again, log = play(system, service, ["Bonjour", *JEAN], "+243990000002")
    assert code_in(again[-1]) == code_in(first[-1])
    assert "DEBUG" in edited and "server_stopped code=0" in log


def test_redis_keeps_the_conversation_over_a_restart(system, service):
    system.install("redis-server")
    settings = system.read(SETTINGS)
    redis = "redis-server --daemonize yes --save '' --dir /tmp >/dev/null"
    system.shell(f"cat >{SETTINGS}",
                 stdin=settings.replace("\nREDIS_URL=\n", "\nREDIS_URL=redis://127.0.0.1:6379/0\n"))
    replies, log = play(system, service, ["Bonjour", *JEAN], "+243990000003", before=redis)
    system.shell(f"cat >{SETTINGS}", stdin=settings)
    assert "sessions=redis" in log
    assert code_in(replies[-1]) == code_of(JEAN, salt=salt_of(system))


def test_removing_and_purging_keep_the_codes_and_the_salt(system, service):
    """The last one, for it takes the package away, and brings it back."""
    settings, codes = system.read(SETTINGS), system.shell(f"sha256sum {DATABASE}")
    said = system.run("dpkg", "--purge", "whatsapp-uic", stdin="").stdout
    assert "reste en place" in said
    assert system.read(SETTINGS) == settings
    assert system.shell(f"sha256sum {DATABASE}") == codes
    assert not (system.folder / "usr/bin/whatsapp-uic").exists()
    system.run("dpkg", "-i", *system.packages)
    assert system.read(SETTINGS) == settings
    again, _ = play(system, service, ["Bonjour", *JEAN])
    assert code_in(again[-1]) == code_of(JEAN, salt=salt_of(system))
