"""`check --quiet`: one line and an exit code, for cron and monitoring."""

import os
import socket
import time

import pytest
from processes import eventually, free_port, run_program

OK, WARNING, CRITICAL, UNKNOWN = range(4)
PRODUCTION = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567",
              "TWILIO_AUTH_TOKEN": "0123456789", "PUBLIC_URL": "https://ciu.exemple.cd"}


@pytest.fixture
def check(tmp_path):
    """check(options…, SETTING=…) -> (exit code, its one line), with tables that are there."""
    assert run_program("init-db", cwd=tmp_path).returncode == 0

    def run(*options, **settings):
        done = run_program("check", "--quiet", *options, cwd=tmp_path, **settings)
        lines = done.stdout.splitlines()
        assert len(lines) == 1
        return done.returncode, lines[0]

    return run


def test_all_is_well(check):
    assert check(**PRODUCTION) == (OK, "whatsapp-uic OK: configuration, flow, sessions and database")


@pytest.mark.parametrize("settings, what", [
    ({}, "ADMIN_TOKEN"),  # development, so people should not be writing to it yet
    ({**PRODUCTION, "UIC_SALT": "change_me_0f7Qm3ZkX9-Yw4Lr8Tn5Hb2"}, "UIC_SALT"),
])
def test_something_to_look_at(check, settings, what):
    code, line = check(**settings)
    assert code == WARNING
    assert line.startswith("whatsapp-uic WARNING: ") and what in line


@pytest.mark.parametrize("settings, what", [
    ({"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "database"),
    ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "sessions"),
    ({"PORT": "0x50"}, "PORT"),
    ({"UIC_SALT": None}, "UIC_SALT"),
])
def test_something_is_bad(check, settings, what):
    code, line = check(**{**PRODUCTION, **settings})
    assert code == CRITICAL
    assert line.startswith("whatsapp-uic CRITICAL: ") and what in line


def test_everything_bad_is_on_the_line_and_no_hint(check):
    code, line = check(DATABASE_URL="sqlite:////nowhere/at/all.db", REDIS_URL="redis://127.0.0.1:1/0")
    assert code == CRITICAL
    assert "database: " in line and "sessions: " in line and "ADMIN_TOKEN" not in line


def test_nobody_can_tell(check, tmp_path):
    code, line = check("--env", "missing.env")
    assert code == UNKNOWN
    assert line.startswith("whatsapp-uic UNKNOWN: ")
    assert run_program("check", "--quiet", "--dance", cwd=tmp_path).returncode == UNKNOWN
    assert run_program("check", "--quiet", "surplus", cwd=tmp_path).returncode == UNKNOWN


def test_the_running_server_is_asked(check, start):
    server = start()
    assert check("--server", PORT=server.port, **PRODUCTION)[0] == OK
    server.terminate()
    server.wait()
    code, line = check("--server", PORT=server.port, **PRODUCTION)
    assert code == CRITICAL and f"nothing answers on port {server.port}" in line


def test_a_server_that_is_not_ready_is_told_of(check, start, redis):
    server = start(REDIS_URL=redis.url)
    redis.kill()
    eventually(lambda: server.status_of("/ready") == 503, "not ready")
    code, line = check("--server", PORT=server.port, **PRODUCTION)
    assert code == CRITICAL and "answers 503" in line


def test_settings_that_changed_since_the_server_started_are_told(check, start, tmp_path):
    server = start()
    settings = tmp_path / "settings.env"
    settings.write_text(f"PORT={server.port}\n")
    settings.chmod(0o600)
    os.utime(settings, (time.time() - 60,) * 2)
    assert check("--server", "--env", settings, **PRODUCTION)[0] == OK
    os.utime(settings, (time.time() + 60,) * 2)
    code, line = check("--server", "--env", settings, **PRODUCTION)
    assert code == WARNING and f"port {server.port} runs with older settings" in line


def test_the_public_address_is_asked(check, start):
    server = start()
    code, line = check("--public", PUBLIC_URL=f"http://127.0.0.1:{server.port}")
    assert code == WARNING and "public: " not in line
    code, line = check("--public", PUBLIC_URL=f"http://127.0.0.1:{free_port()}")
    assert code == CRITICAL and "nobody listens there" in line
    code, line = check("--public", PUBLIC_URL="https://ciu.invalid")
    assert code == CRITICAL and "its name leads nowhere" in line
    assert "PUBLIC_URL is not set" in check("--public")[1]


def test_a_silent_port_does_not_hold_it_for_ever(check):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, line = check("--server", PORT=silent.getsockname()[1], **PRODUCTION)
    assert code == CRITICAL and "no answer" in line


def test_without_quiet_the_exit_code_stays_what_it_was(tmp_path):
    done = run_program("check", "--server", cwd=tmp_path, PORT=free_port())
    assert done.returncode == 1
    assert "bad   server: " in done.stdout and "bad   database: " in done.stdout
