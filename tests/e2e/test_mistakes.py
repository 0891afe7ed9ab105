"""Mistakes in the settings, as people make them: each is told once, in the journal with time, level and
priority, and by `check`."""

import os
import re
import socket
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest
from processes import PATIENCE, PROGRAM, REPORT, SALT, environment_for, free_port, run_program

PRODUCTION = {"ENVIRONMENT": "production", "PUBLIC_URL": "https://ciu.exemple.cd", "TWILIO_AUTH_TOKEN": "0123456789abcdef",
              "ADMIN_TOKEN": "admin-Token_1234567", "UIC_SALT": "Kq3vN8xR5tY1wZ7bC4mD9pF2gH6jL0sA-eU_iOoPaQk"}
META = {"META_WHATSAPP_TOKEN": "EAAG-of-tests", "META_PHONE_NUMBER_ID": "106540352242922",
        "META_VERIFY_TOKEN": "verify-2026", "META_APP_SECRET": "0123456789abcdef0123456789abcdef"}

# What is set, and which setting is told to be wrong (several: each once).
MISTAKES = {
    "no salt": ({"UIC_SALT": None}, ["UIC_SALT"]),
    "an empty salt": ({"UIC_SALT": ""}, ["UIC_SALT"]),
    "a short salt": ({"UIC_SALT": "sel-secret"}, ["UIC_SALT"]),
    "a salt of letters": ({"UIC_SALT": "selsecretselsecretselsecret"}, ["UIC_SALT"]),
    "a salt of digits": ({"UIC_SALT": "12345678901234567890"}, ["UIC_SALT"]),
    "a salt that is no UTF-8": ({"UIC_SALT": b"sel-\xe9-0123456789abcdef"}, ["UIC_SALT"]),
    "another word for production": ({"ENVIRONMENT": "prod"}, ["ENVIRONMENT"]),
    "production in capitals": ({"ENVIRONMENT": "Production"}, ["ENVIRONMENT"]),
    "production without anything": ({"ENVIRONMENT": "production"}, ["PUBLIC_URL", "TWILIO_AUTH_TOKEN", "ADMIN_TOKEN"]),
    "production without a public URL": ({**PRODUCTION, "PUBLIC_URL": None}, ["PUBLIC_URL"]),
    "production without Twilio's token": ({**PRODUCTION, "TWILIO_AUTH_TOKEN": None}, ["TWILIO_AUTH_TOKEN"]),
    "production without an admin token": ({**PRODUCTION, "ADMIN_TOKEN": None}, ["ADMIN_TOKEN"]),
    "a short admin token in production": ({**PRODUCTION, "ADMIN_TOKEN": "admin"}, ["ADMIN_TOKEN"]),
    "http in production": ({**PRODUCTION, "PUBLIC_URL": "http://ciu.exemple.cd"}, ["PUBLIC_URL"]),
    "a host alone for the public URL": ({**PRODUCTION, "PUBLIC_URL": "ciu.exemple.cd"}, ["PUBLIC_URL"]),
    "a query in the public URL": ({**PRODUCTION, "PUBLIC_URL": "https://ciu.exemple.cd/?a=1"}, ["PUBLIC_URL"]),
    "a space in the public URL": ({"PUBLIC_URL": "https://ciu.exemple.cd /"}, ["PUBLIC_URL"]),
    "a token without its URL": ({"TWILIO_AUTH_TOKEN": "0123456789abcdef"}, ["PUBLIC_URL"]),
    "three tokens of Twilio": ({**PRODUCTION, "TWILIO_AUTH_TOKEN": "a,b,c"}, ["TWILIO_AUTH_TOKEN"]),
    "a comma behind Twilio's token": ({**PRODUCTION, "TWILIO_AUTH_TOKEN": "0123456789abcdef,"}, ["TWILIO_AUTH_TOKEN"]),
    "a short admin token": ({"ADMIN_TOKEN": "admin"}, ["ADMIN_TOKEN"]),
    "a short metrics token": ({"METRICS_TOKEN": "metrics"}, ["METRICS_TOKEN"]),
    "a word for the port": ({"PORT": "http"}, ["PORT"]),
    "a port that is too large": ({"PORT": "80000"}, ["PORT"]),
    "a port below zero": ({"PORT": "-1"}, ["PORT"]),
    "too many workers": ({"WORKERS": "1000"}, ["WORKERS"]),
    "a level that is none": ({"LOG_LEVEL": "VERBOSE"}, ["LOG_LEVEL"]),
    "a boolean that is none": ({"LOG_JSON": "oui"}, ["LOG_JSON"]),
    "a timeout of zero": ({"SESSION_TIMEOUT_MINUTES": "0"}, ["SESSION_TIMEOUT_MINUTES"]),
    "a timeout with its unit": ({"SESSION_TIMEOUT_MINUTES": "15m"}, ["SESSION_TIMEOUT_MINUTES"]),
    "a Redis without a scheme": ({"REDIS_URL": "127.0.0.1:6379"}, ["REDIS_URL"]),
    "a database without a scheme": ({"DATABASE_URL": "uic.db"}, ["DATABASE_URL"]),
    "a database of another kind": ({"DATABASE_URL": "mysql://root@localhost/uic"}, ["DATABASE_URL"]),
    "a flow file that is not there": ({"FLOW_FILE": "questions.json"}, ["FLOW_FILE"]),
    "a folder for a flow file": ({"FLOW_FILE": "/tmp"}, ["FLOW_FILE"]),
    "a webhook path without its slash": ({"WEBHOOK_PATH": "whatsapp"}, ["WEBHOOK_PATH"]),
    "proxies by name": ({"TRUSTED_PROXIES": "nginx"}, ["TRUSTED_PROXIES"]),
    "proxies with spaces": ({"TRUSTED_PROXIES": "127.0.0.1, ::1"}, ["TRUSTED_PROXIES"]),
    "a network that is too narrow": ({"TRUSTED_PROXIES": "10.0.0.0/33"}, ["TRUSTED_PROXIES"]),
    "a certificate without its key": ({"TLS_CERT_FILE": "/etc/hostname"}, ["TLS_KEY_FILE"]),
    "a certificate that is not there": ({"TLS_CERT_FILE": "/nowhere.pem", "TLS_KEY_FILE": "/etc/hostname"}, ["TLS_CERT_FILE"]),
    "half of Meta's channel": ({**META, "META_APP_SECRET": None}, ["META_APP_SECRET"]),
    "a quarter of Meta's channel": ({"META_APP_SECRET": META["META_APP_SECRET"]},
                                    ["META_WHATSAPP_TOKEN", "META_PHONE_NUMBER_ID", "META_VERIFY_TOKEN"]),
    "a telephone number for Meta's id": ({**META, "META_PHONE_NUMBER_ID": "+243810000000"}, ["META_PHONE_NUMBER_ID"]),
    "a time zone that is none": ({"TIME_ZONE": "Kinshasa"}, ["TIME_ZONE"]),
    "a retention in years": ({"RETENTION_DAYS": "5 ans"}, ["RETENTION_DAYS"]),
    "two mistakes": ({"PORT": "0", "WORKERS": "two"}, ["PORT", "WORKERS"]),
}
BACKUP = Path(__file__).resolve().parents[2] / "scripts/backup"
LINE = re.compile(r"<2>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z CRITICAL start_failed what=(\S+) reason=\"(?:[^\"\\]|\\.)*\"")


def environment(settings):
    named = environment_for(**{"UIC_SALT": SALT, **{k: v for k, v in settings.items() if not isinstance(v, bytes)}})
    return {**named, **{k: v for k, v in settings.items() if isinstance(v, bytes)}}


def serve(directory, settings, arguments=()):
    """What stands in the journal of a server that does not start."""
    path = directory / "journal"
    with open(path, "wb") as journal:
        status = os.fstat(journal.fileno())
        variables = {**environment(settings), "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        done = subprocess.run([PROGRAM, "serve", *arguments], cwd=directory, env=variables, stderr=journal,
                              stdout=subprocess.PIPE, timeout=2 * PATIENCE)
    text = path.read_text(errors="replace")
    assert not REPORT.search(text), text
    assert done.returncode == 1 and done.stdout == b""
    return text


def check(directory, settings, arguments=()):
    """The findings that are bad."""
    done = subprocess.run([PROGRAM, "check", *arguments], cwd=directory, env=environment(settings),
                          capture_output=True, timeout=2 * PATIENCE)
    assert done.returncode == 1
    return [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith("bad")]


@pytest.mark.parametrize("settings, wrong", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_once(tmp_path, settings, wrong):
    lines = serve(tmp_path, settings).splitlines()
    assert [match and match[1] for match in map(LINE.fullmatch, lines)] == wrong, lines
    findings = check(tmp_path, settings)
    assert [line.split()[1].rstrip(":") for line in findings] == wrong, findings


FOUND_BY_CHECK = {
    "an address of another machine": {"HOST": "192.0.2.1"},
    "a host that has no address": {"HOST": "nowhere.invalid"},
    "a user whom nobody knows": {"RUN_AS_USER": "nobody-of-this-name"},
}


@pytest.mark.parametrize("settings", FOUND_BY_CHECK.values(), ids=FOUND_BY_CHECK.keys())
def test_what_only_a_start_finds_out_is_told_by_check(tmp_path, settings):
    run_program("init-db", cwd=tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/uic.db")
    settings = {"PORT": free_port(), "DATABASE_URL": f"sqlite:///{tmp_path}/uic.db", **settings}
    (finding,) = check(tmp_path, settings)
    assert finding.split()[1].rstrip(":") == next(reversed(settings))


def test_a_port_that_another_program_has_is_told_and_ours_is_not(tmp_path, start):
    def hints(port):
        said = run_program("check", cwd=tmp_path, PORT=port, HOST="127.0.0.1").stdout
        return [line for line in said.splitlines() if " PORT: " in line]

    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=lambda: other.accept()[0].close())
        thread.start()
        (hint,) = hints(other.getsockname()[1])
        thread.join()
    assert hint.startswith("hint") and "Address already in use" in hint and "sudo ss -ltnp" in hint
    assert hints(start().port) == []


DOUBTS = {
    "a setting twice": (f"UIC_SALT={SALT}\nUIC_SALT={SALT}\n", ".env:1: UIC_SALT is set again in line 2"),
    "a number without its channel": (f"UIC_SALT={SALT}\nTWILIO_WHATSAPP_NUMBER=+14155238886\n",
                                     "TWILIO_WHATSAPP_NUMBER: is written whatsapp:+"),
    "typographic marks around the salt": (f"UIC_SALT=“{SALT}”\n", "UIC_SALT: begins with a typographic"),
}


@pytest.mark.parametrize("text, told", DOUBTS.values(), ids=DOUBTS.keys())
def test_a_doubt_is_told_once(tmp_path, text, told):
    (tmp_path / ".env").write_text(text)
    said = run_program("check", cwd=tmp_path, UIC_SALT=None, PORT=free_port())
    assert [line for line in said.stdout.splitlines() if told in line and line.startswith("hint")], said.stdout
    assert said.stdout.count(told) == 1


UNREAD = {
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a NUL": lambda path: path.write_bytes(f"UIC_SALT={SALT}\n\0".encode()),
    "more than 64 KB": lambda path: path.write_text(f"UIC_SALT={SALT}\n" + "#" * 70000),
    "a quotation mark that does not end": lambda path: path.write_text(f'UIC_SALT="{SALT}\n'),
}


@pytest.mark.parametrize("make", UNREAD.values(), ids=UNREAD.keys())
def test_settings_that_were_not_read_are_not_called_missing(tmp_path, make):
    make(tmp_path / "env")
    (line,) = serve(tmp_path, {"UIC_SALT": None}, ["--env", "env"]).splitlines()
    assert "what=env" in line
    (finding,) = check(tmp_path, {"UIC_SALT": None}, ["--env", "env"])
    assert finding.startswith("bad   env")


def test_settings_of_a_windows_editor_name_the_same_database_to_backup(tmp_path):
    """A byte order mark stands in front of the first name."""
    url = f"sqlite:///{tmp_path}/uic.db"
    (tmp_path / "env").write_bytes(f"\ufeffDATABASE_URL={url}\r\nUIC_SALT={SALT}\r\n".encode())
    assert run_program("init-db", "--env", "env", cwd=tmp_path, UIC_SALT=None).returncode == 0
    assert (tmp_path / "uic.db").exists()
    done = subprocess.run([BACKUP, "--env", "env", "--directory", "copies"], cwd=tmp_path, capture_output=True,
                          text=True, env={"PATH": os.environ["PATH"]}, timeout=2 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_folder_of_settings_is_unknown_to_monitoring(tmp_path):
    done = run_program("check", "--quiet", "--env", "/tmp", cwd=tmp_path)
    assert done.returncode == 3 and done.stdout.startswith("whatsapp-uic UNKNOWN")


def test_a_password_in_a_url_is_not_shown(tmp_path):
    text = serve(tmp_path, {"PUBLIC_URL": "https://u:geheim@ciu.exemple.cd"})
    assert "geheim" not in text and "https://...@ciu.exemple.cd" in text


FILES = {
    "no equals sign": ("UIC_SALT\n", ".env:1"),
    "a quote that does not end": (f'UIC_SALT={SALT}\nAPP_NAME="CIU\n', ".env:2"),
    "a name with a space": (f"UIC_SALT={SALT}\nADMIN TOKEN=x\n", ".env:2"),
}


@pytest.mark.parametrize("text, wrong", FILES.values(), ids=FILES.keys())
def test_a_mistake_in_the_file_is_told_once_with_its_line(tmp_path, text, wrong):
    (tmp_path / ".env").write_text(text)
    lines = serve(tmp_path, {}).splitlines()
    assert [match and match[1] for match in map(LINE.fullmatch, lines)] == [wrong], lines
    (finding,) = check(tmp_path, {})
    assert wrong + ":" in finding


def test_a_file_of_settings_that_is_not_there_is_told(tmp_path):
    (line,) = serve(tmp_path, {}, ["--env", "nowhere.env"]).splitlines()
    assert "what=nowhere.env" in line and "No such file or directory" in line


@pytest.mark.parametrize("path, reason", [("questions.json", "No such file or directory"), ("/tmp", "Is a directory")])
def test_a_flow_file_says_why_it_cannot_be_read(tmp_path, path, reason):
    assert reason in serve(tmp_path, {"FLOW_FILE": path})
    assert reason in check(tmp_path, {"FLOW_FILE": path})[0]


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_a_forbidden_flow_file_says_so(tmp_path):
    closed = tmp_path / "closed.json"
    closed.write_text("{}")
    closed.chmod(0)
    nobody = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", PROGRAM, "check"], cwd="/",
                            env=environment({"FLOW_FILE": str(closed)}), capture_output=True, text=True)
    assert "FLOW_FILE" in nobody.stdout and "Permission denied" in nobody.stdout, nobody.stdout + nobody.stderr


def test_json_stays_json(tmp_path):
    line, = serve(tmp_path, {"LOG_JSON": "True", "PORT": "0"}).splitlines()
    assert line.startswith('<2>{"time":"') and '"level":"CRITICAL","event":"start_failed","what":"PORT"' in line


def test_a_doubt_is_a_warning_and_a_refused_start_has_its_priority(tmp_path):
    (tmp_path / ".env").write_text("PROT=8001\n")
    text = serve(tmp_path, {"DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/uic.db"})
    warning, *others = text.splitlines()
    assert warning.startswith("<4>") and 'setting_doubtful what=.env:1 reason="PROT is not a setting' in warning
    assert [line[:3] for line in others if "start_failed what=DATABASE_URL" in line] == ["<2>"]


def test_elsewhere_lines_have_no_priority(tmp_path):
    done = run_program("serve", cwd=tmp_path, PORT="0", JOURNAL_STREAM="1:1")
    assert done.stderr.startswith("20") and "CRITICAL start_failed what=PORT" in done.stderr


def test_check_names_init_db_only_where_it_helps(tmp_path):
    """Not for a database that is away, cannot be made, or is a newer program's."""
    database = tmp_path / "uic.db"

    def findings(url):
        return run_program("check", cwd=tmp_path, DATABASE_URL=url).stdout

    assert "init-db" not in findings(f"sqlite:///{tmp_path}/nowhere/uic.db")
    assert "init-db" not in findings("postgresql://nobody@127.0.0.1:1/uic")
    sqlite3.connect(database).close()
    assert findings(f"sqlite:///{database}").count("init-db") == 1
    assert run_program("init-db", cwd=tmp_path, DATABASE_URL=f"sqlite:///{database}").returncode == 0
    assert "init-db" not in findings(f"sqlite:///{database}")
    with sqlite3.connect(database) as newer:
        newer.execute("UPDATE schema_migrations SET version = 999"
                      " WHERE version = (SELECT max(version) FROM schema_migrations)")
    newer.close()
    found = findings(f"sqlite:///{database}")
    assert "newer than this program" in found and "init-db" not in found


def test_check_prints_what_ready_says(start, redis):
    server = start(REDIS_URL=redis.url)
    redis.stop()
    done = subprocess.run([PROGRAM, "check", "--server"], cwd=server.directory, capture_output=True, text=True,
                          env=environment({**server.settings, "PORT": server.port}))
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("bad   server:")]
    assert "answers 503" in line and '"redis":"down"' in line
