"""whatsapp-uic stats: the table, line by line, in both languages and with a store away."""

import re
import sqlite3

import pytest
from phone import Phone
from processes import free_port, run_program
from texts import JEAN

MANY = 1234


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/codes.db"


@pytest.fixture
def programme(start, redis, url, tmp_path):
    """Settings of one in which Jean finished and asked twice more, and somebody else stopped at the second
    question, with a wrong year before."""
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": url}
    server = start(**settings)
    with Phone(server) as phone:
        for _ in range(3):
            phone.say_all("Bonjour", *JEAN)
    with Phone(server) as phone:
        phone.say_all("Bonjour", "1785", "1985")
    server.stop()  # and so all is counted
    return settings


def rows(table):
    """{label: the words behind it}; a question's second line is under "answers:" and its key."""
    questions, *answers = re.split(r"^(?:Réponses|Answers) {10,}", table, flags=re.M)
    second = lines("".join(answers))
    return {**second, **{f"answers:{key}": words for key, words in second.items()}, **lines(questions)}


def lines(table):
    return {found[1]: found[2].split() for found in re.finditer(r"^(\S.*?) {2,}(\S.*)$", table, re.M)}


def test_it_tells_codes_conversations_and_questions(programme, tmp_path):
    done = run_program("stats", "--days", "7", cwd=tmp_path, **programme)
    assert done.returncode == 0, done.stderr
    told = rows(done.stdout)
    assert told["Codes"] == ["aujourd’hui", "7", "jours", "en", "tout"]
    assert told["Nouveaux"] == ["1", "1", "1"] and told["Redemandés"] == ["2", "2", "2"]
    assert told["Numéros différents"] == ["1"]
    assert told["Commencées"] == ["4", "4"] and told["Terminées par un code"] == ["3", "3"]
    assert told["Arrêtées (STOP)"] == told["Reprises après expiration"] == ["0", "0"]
    assert told["En cours"] == ["1"]
    assert told["birth_year"] == ["4", "0", "█" * 24]
    assert told["mother_birthplace"] == ["4", "1", "█" * 24]
    assert told["family_name"] == ["3", "0", "█" * 18]
    assert told["answers:birth_year"] == ["1", "0", "0", "0", "0"]


def test_english_is_for_those_who_say_so(programme, tmp_path):
    for name, value, english in (("LANG", "en_GB.UTF-8", True), ("LC_ALL", "en_US.UTF-8", True),
                                 ("LC_MESSAGES", "fr_CD.UTF-8", False), ("LANG", "", False)):
        told = rows(run_program("stats", cwd=tmp_path, **{name: value}, **programme).stdout)
        assert ("Asked for again" in told) == english and ("Redemandés" in told) != english


def test_large_numbers_are_read_in_threes(programme, url, tmp_path):
    connection = sqlite3.connect(tmp_path / "codes.db")
    connection.executemany(
        "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at)"
        " VALUES (?, ?, ?, datetime('now'), datetime('now'))", [(f"C{n}", f"+{n}", f"H{n}") for n in range(MANY - 1)])
    connection.commit()
    connection.close()
    french = run_program("stats", cwd=tmp_path, **programme).stdout
    assert re.search(r"^Nouveaux( +1\u202f234){3}$", french, re.M), french
    english = run_program("stats", cwd=tmp_path, LANG="en", **programme).stdout
    assert re.search(r"^New( +1,234){3}$", english, re.M), english


def test_without_the_database_the_rest_is_told(programme, tmp_path):
    programme["DATABASE_URL"] = f"postgresql://uic@127.0.0.1:{free_port()}/uic"
    done = run_program("stats", cwd=tmp_path, **programme)
    assert done.returncode == 1 and "DATABASE_URL" in done.stderr
    told = rows(done.stdout)
    assert told["Nouveaux"] == ["–", "–", "–"] and told["Commencées"] == ["4", "4"]


def test_without_redis_the_codes_are_told(programme, redis, tmp_path):
    redis.stop()
    done = run_program("stats", cwd=tmp_path, **programme)
    assert done.returncode == 1 and "REDIS_URL" in done.stderr
    told = rows(done.stdout)
    assert told["Nouveaux"] == ["1", "1", "1"] and "Commencées" not in told
    assert "GET /admin/stats" not in done.stdout, "that is for a server without Redis"
