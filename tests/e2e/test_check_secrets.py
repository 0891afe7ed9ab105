"""What `check` says of secrets that others may know, and of a flow file whose codes may still change."""

import json

import pytest
from processes import SALT, run_program
from texts import FLOW_PATH, JEAN, code_of

PRODUCTION = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567",
              "TWILIO_AUTH_TOKEN": "0123456789", "PUBLIC_URL": "https://ciu.exemple.cd"}
WEAK = "Old-Python-Salt_42"


@pytest.fixture
def settings(tmp_path):
    """A file of settings for production, without the salt."""
    path = tmp_path / "uic.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in PRODUCTION.items()))
    path.chmod(0o600)
    assert run_program("init-db", "--env", path, cwd=tmp_path).returncode == 0
    return path


def check(settings, *options, **environment):
    return run_program("check", "--env", settings, *options, cwd=settings.parent, **environment)


def test_settings_that_others_may_read_are_told(settings):
    assert "hint  settings" not in check(settings).stdout
    for mode, wanted in ((0o644, "0640"), (0o660, "0640"), (0o666, "0640"), (0o604, "0600")):
        settings.chmod(mode)
        done = check(settings)
        assert done.returncode == 0
        assert f"hint  settings: {settings} has the mode {mode:04o}" in done.stdout
        assert f"chmod {wanted}" in done.stdout
        quiet = check(settings, "--quiet")
        assert quiet.returncode == 1 and "has the mode" in quiet.stdout
    settings.chmod(0o640)  # the package's own, for a group that is ours
    assert "hint  settings" not in check(settings).stdout


def test_a_weak_salt_is_no_salt_for_production(settings):
    done = check(settings, UIC_SALT=WEAK)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("bad")]
    assert line.startswith("bad   UIC_SALT: ") and "UIC_SALT_WEAK=yes" in line and WEAK not in done.stdout


def test_an_older_programme_keeps_its_salt(settings, tmp_path):
    (tmp_path / "uic_database.db").unlink()
    run_program("init-db", "--env", settings, cwd=tmp_path, UIC_SALT=WEAK, UIC_SALT_WEAK="yes")
    done = check(settings, UIC_SALT=WEAK, UIC_SALT_WEAK="yes")
    assert done.returncode == 0
    assert "hint  UIC_SALT_WEAK: " in done.stdout
    assert check(settings, "--quiet", UIC_SALT=WEAK, UIC_SALT_WEAK="yes").returncode == 0, "nobody can mend it"
    assert "UIC_SALT_WEAK" not in check(settings, UIC_SALT_WEAK="yes").stdout


def test_every_command_takes_the_salt_from_its_file(settings, tmp_path, start):
    salt = tmp_path / "salt"
    fresh = run_program("salt", "--quiet", cwd=tmp_path, UIC_SALT=None).stdout
    salt.write_text(SALT + "\n")
    salt.chmod(0o600)
    elsewhere = {"UIC_SALT": None, "UIC_SALT_FILE": salt}
    done = check(settings, **elsewhere)
    assert done.returncode == 0 and "UIC_SALT" not in done.stdout
    done = run_program("code", *JEAN, cwd=tmp_path, **elsewhere)
    assert done.stdout.strip() == code_of(JEAN)
    done = run_program("chat", cwd=tmp_path, stdin="\n".join(["Bonjour", *JEAN]), **elsewhere)
    assert code_of(JEAN) in done.stdout
    start(UIC_SALT=None, UIC_SALT_FILE=salt)
    # With a salt of its own it is another programme.
    salt.write_text(fresh)
    assert run_program("code", *JEAN, cwd=tmp_path, **elsewhere).stdout.strip() != code_of(JEAN)
    assert "is set, and so is UIC_SALT" in check(settings, UIC_SALT_FILE=salt).stdout
    salt.chmod(0o644)
    assert "hint  UIC_SALT_FILE: " in check(settings, **elsewhere).stdout


def test_a_draft_is_told(settings):
    assert "draft" not in check(settings).stdout
    draft = settings.with_name("draft.json")
    draft.write_text(json.dumps({**json.loads(FLOW_PATH.read_text(encoding="utf-8")), "id": "a-draft", "version": 0}))
    (settings.parent / "uic_database.db").unlink()
    run_program("init-db", "--env", settings, cwd=settings.parent, FLOW_FILE=draft)
    done = check(settings, FLOW_FILE=draft)
    assert done.returncode == 0, done.stdout
    assert "hint  flow: a-draft is a draft" in done.stdout
    assert check(settings, "--quiet", "--flow", draft).returncode == 0
