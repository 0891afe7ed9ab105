"""A language that nobody has reviewed is there to be tried in development; production does not have
it, and `check` says so."""

import json

import pytest
from phone import Phone, new_number
from processes import run_program
from texts import FLOW, message, question

PRODUCTION = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567",
              "TWILIO_AUTH_TOKEN": "0123456789", "PUBLIC_URL": "https://ciu.exemple.cd", "RUN_AS_USER": "root"}


@pytest.fixture
def reviewed(tmp_path):
    """The built-in flow after Swahili was reviewed."""
    path = tmp_path / "reviewed.json"
    path.write_text(json.dumps({**FLOW, "reviewed_by": {"ln": "", "sw": "A. Exemple, B. Exemple"}}))
    return path


def hints_and_flow(tmp_path, **settings):
    done = run_program("check", cwd=tmp_path, **settings)
    lines = done.stdout.splitlines()
    return ([line.split(":")[0] for line in lines if line.startswith("hint  language")],
            next(line for line in lines if line.startswith("ok    flow:")))


def test_check_names_the_languages_that_wait_for_a_reviewer(tmp_path, reviewed):
    assert run_program("init-db", cwd=tmp_path).returncode == 0
    both = ["hint  language ln", "hint  language sw"]
    flow = "ok    flow: ciu-rdc, 5 questions in"
    assert hints_and_flow(tmp_path) == (both, f"{flow} fr en ln sw")
    assert hints_and_flow(tmp_path, **PRODUCTION) == (both, f"{flow} fr en")
    assert hints_and_flow(tmp_path, FLOW_FILE=reviewed, **PRODUCTION) == (both[:1], f"{flow} fr en sw")


def test_production_offers_and_speaks_only_what_was_reviewed(start, redis, reviewed):
    number = new_number()
    development = start(REDIS_URL=redis.url)
    with Phone(development, number) as phone:
        phone.say_all("Bonjour", "LANGUE")
        assert phone.say("Lingala").startswith(message("language_set", "ln"))
    production = start(REDIS_URL=redis.url, **PRODUCTION)
    with Phone(production, number) as phone:
        assert phone.say("1985").endswith(question(1, "fr"))
        assert phone.say("LANGUE").endswith("1. Français\n2. English")
        assert message("language_wrong") in phone.say("Kiswahili")
        assert phone.say("2").endswith(question(1, "en"))
    later = start(REDIS_URL=redis.url, FLOW_FILE=reviewed, **PRODUCTION)
    with Phone(later, number) as phone:
        assert phone.say("LANGUAGE").endswith("2. English\n3. Kiswahili")
        assert phone.say("3").endswith(question(1, "sw"))


def test_chat_shows_what_the_server_would(tmp_path, reviewed):
    def said(**settings):
        return run_program("chat", cwd=tmp_path, stdin="Bonjour\nLANGUE\n", **settings).stdout

    assert "4. Kiswahili" in said() and "3. " not in said(**PRODUCTION)
    assert "3. Kiswahili" in said(FLOW_FILE=reviewed, **PRODUCTION)
