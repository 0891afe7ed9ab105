"""The program without its server."""

import json
import re
import sqlite3
from collections import defaultdict

import pytest
from processes import SALT, run_program
from texts import JEAN, code_of

COMMANDS = ["serve", "check", "init-db", "salt", "code", "import", "export", "erase", "agreement"]
COLUMNS = {"id", "uic_code", "phone_number", "input_hash", "created_at", "last_requested_at",
           "is_active", "notes", "request_count", "last_event_id"}


@pytest.fixture
def run(tmp_path):
    """run(ARGUMENT..., stdin=, NAME=value...) -> the finished command, in an empty directory."""

    def run_here(*arguments, **settings):
        return run_program(*arguments, cwd=tmp_path, **settings)

    return run_here


def vectors(root, name):
    lines = (root / "tests/data/vectors" / name).read_text(encoding="utf-8").splitlines()
    by_salt = defaultdict(list)
    for line in lines:
        vector = json.loads(line)
        by_salt[vector["salt"]].append(vector)
    assert len(lines) > 100
    return by_salt


# help and usage


def test_help_names_every_command_and_setting(run):
    done = run("--help")
    assert done.returncode == 0
    for word in COMMANDS + ["UIC_SALT", "REDIS_URL", "DATABASE_URL", "PORT"]:
        assert word in done.stdout, word


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    done = run(command, "--help", UIC_SALT=None)
    assert done.returncode == 0
    assert command in done.stdout
    assert done.stderr == ""


def test_version(run, root):
    version = re.search(r"VERSION ([0-9.]+)", (root / "CMakeLists.txt").read_text().split("project(")[1])
    done = run("--version")
    assert done.returncode == 0
    assert version.group(1) in done.stdout


@pytest.mark.parametrize("arguments", [["dance"], ["--dance"], ["code", "--dance"],
                                       ["salt", "--dance"], ["check", "surplus"],
                                       ["code"], ["code", "1985", "Kinshasa"],
                                       ["serve", "--env"], ["init-db", "surplus"]])
def test_wrong_usage_is_2(run, arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr and done.stdout == ""


# salt


def test_a_salt_is_43_characters_and_never_the_same(run):
    salts = {run("salt", "--quiet", UIC_SALT=None).stdout for _ in range(5)}
    assert len(salts) == 5
    for salt in salts:
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", salt)


def test_the_salt_comes_with_its_line_for_the_env_file(run):
    done = run("salt")
    assert done.returncode == 0
    assert re.search(r"^ *UIC_SALT=\"[A-Za-z0-9_-]{43}\"$", done.stdout, re.MULTILINE)


def test_a_fresh_salt_is_accepted(run):
    salt = run("salt", "--quiet").stdout.strip()
    done = run("code", *JEAN, UIC_SALT=salt)
    assert done.stdout == code_of(JEAN, salt) + "\n"


# code


def test_code_of_five_answers(run):
    done = run("code", *JEAN)
    assert (done.returncode, done.stdout) == (0, code_of(JEAN) + "\n")


def test_code_says_which_answer_is_wrong(run):
    done = run("code", "1985", "Kinshasa", "Jean", "32", "Kabila")
    assert done.returncode == 1
    assert "birth_day" in done.stderr and done.stdout == ""


def test_no_check_takes_any_number(run):
    done = run("code", "--no-check", "1785", "Kinshasa", "Jean", "32", "Kabila")
    assert done.returncode == 0
    assert done.stdout == code_of(("1785", "Kinshasa", "Jean", "32", "Kabila")) + "\n"


def test_code_needs_a_salt(run):
    done = run("code", *JEAN, UIC_SALT=None)
    assert done.returncode == 1
    assert "UIC_SALT" in done.stderr


def test_jsonl_answers_one_line_for_one_line(run):
    lines = [
        json.dumps({"answers": JEAN}),
        json.dumps({"answers": [*JEAN[:3], "32", "Kabila"]}),
        "no JSON",
        "[]",
        json.dumps({"answers": JEAN[:4]}),
        json.dumps({"answers": [1985, None, {}, [], True]}),
        json.dumps({"answers": [*JEAN[:4], "\ud800"]}),
        "",
        json.dumps({"answers": ["1985", "Kinshàsa", "jean", "15", "KABILA"]}, ensure_ascii=False),
    ]
    done = run("code", "--jsonl", stdin="\n".join(lines))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    good = {"code": code_of(JEAN), "normalized": ["1985", "KINSHASA", "JEAN", "15", "KABILA"]}
    assert answers[0] == answers[-1] == good
    assert answers[1]["field"] == "birth_day"
    for answer in answers[1:-1]:
        assert answer["error"] and "code" not in answer


def test_jsonl_reads_answers_as_the_conversation_does(run):
    asked = [
        ["né le 12 juin 1985", "à Kinshasa", "*Jean*", "le 15", "Nom : Kabila"],
        ["vers 1985", "elle est née à Kinshasa", "je m’appelle Jean", "15", "Kabila"],
        ["1985", "je ne sais pas", "Jean", "15", "Kabila"],
        ["1985", "Kinshasa", "Jean", "15", "Kabila Kabange"],
    ]
    done = run("code", "--jsonl", stdin="".join(json.dumps({"answers": a}) + "\n" for a in asked))
    plain, doubtful, unknown, several = [json.loads(line) for line in done.stdout.splitlines()]
    good = {"code": code_of(JEAN), "normalized": ["1985", "KINSHASA", "JEAN", "15", "KABILA"]}
    assert plain == good
    assert doubtful == {**good, "doubt": ["birth_year", "mother_birthplace", "first_name"]}
    assert unknown["field"] == "mother_birthplace" and "choices" not in unknown
    assert several["field"] == "family_name" and several["choices"] == ["Kabila", "Kabange"]


def test_no_check_reads_nothing(run):
    said = ("1985", "à Kinshasa", "Prénom Jean", "15", "Kabila Kabange")
    done = run("code", "--no-check", *said)
    assert done.stdout.startswith("985-AKIN-15-PRE-KABI-")
    done = run("code", *said)
    assert done.returncode == 1
    assert done.stderr == "family_name: expected one answer; which of these? Kabila, Kabange\n"


def test_jsonl_of_nothing_is_nothing(run):
    done = run("code", "--jsonl", stdin="")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "flow, name",
    [("reference-initial.json", "reference-initial.jsonl"),
     ("lllfffycg.json", "reference-lllfffycg.jsonl")],
)
def test_the_codes_of_the_python_versions_are_the_same_to_the_byte(run, root, flow, name):
    for salt, rows in vectors(root, name).items():
        stdin = "".join(json.dumps({"answers": row["answers"]}) + "\n" for row in rows)
        done = run("code", "--jsonl", "--no-check", "--flow", root / "flow/definitions" / flow,
                   stdin=stdin, UIC_SALT=salt)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert answers == [{"code": row["code"], "normalized": row["normalized"]} for row in rows]


# check and init-db


def test_check_finds_nothing_wrong_with_a_good_installation(run):
    assert run("init-db").returncode == 0
    done = run("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert SALT not in done.stdout + done.stderr


def test_check_reaches_redis(run, redis):
    run("init-db")
    done = run("check", REDIS_URL=redis.url)
    assert done.returncode == 0, done.stdout + done.stderr
    redis.stop()
    done = run("check", REDIS_URL=redis.url)
    assert done.returncode == 1
    assert "redis" in (done.stdout + done.stderr).lower()


def test_check_finds_every_fault(run):
    done = run("check", PORT="0x50", SESSION_TIMEOUT_MINUTES="0")
    assert done.returncode == 1
    assert "PORT" in done.stdout + done.stderr
    assert "SESSION_TIMEOUT_MINUTES" in done.stdout + done.stderr


def test_check_reads_the_env_file_it_is_given(run, tmp_path):
    (tmp_path / "other.env").write_text("PORT=none\n")
    done = run("check", "--env", "other.env")
    assert done.returncode == 1 and "PORT" in done.stdout + done.stderr
    assert run("check", "--env", "missing.env").returncode == 1


def test_init_db_makes_the_tables_and_says_so_and_does_it_once(run, tmp_path):
    first = run("init-db")
    assert first.returncode == 0 and first.stdout.strip()
    connection = sqlite3.connect(tmp_path / "uic_database.db")
    columns = connection.execute("PRAGMA table_info(uic_records)").fetchall()
    assert COLUMNS <= {column[1] for column in columns}
    connection.execute(
        "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
        " last_requested_at) VALUES ('A', 'B', 'C', '2026-01-01', '2026-01-01')")
    connection.commit()
    second = run("init-db")
    assert second.returncode == 0 and second.stdout.strip()
    assert second.stdout != first.stdout
    rows = connection.execute("SELECT is_active, request_count FROM uic_records").fetchall()
    assert rows == [(1, 1)]
    connection.close()


def test_init_db_says_where_it_cannot(run):
    done = run("init-db", DATABASE_URL="sqlite:////no/such/directory/uic.db")
    assert done.returncode == 1 and done.stderr
