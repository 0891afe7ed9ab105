"""Codes that may be one person's: the server finds them, an administrator decides, export says which counts."""

import csv
import io
import json

import pytest
from crowd import TOKEN, get, stats
from databases import audit
from processes import eventually, run_program
from test_backup import backups

ENGLISH = {"LANG": "en_GB.UTF-8"}


def near_of(answers):
    """Hashes of five answers, a letter each (year, place, first name, day, family name), each time without one; in the
    place of the first name that of all sounds."""
    return "".join((answers if hole == 2 else answers[:hole] + "_" + answers[hole + 1:]).encode().hex()
                   for hole in range(5))


def insert(database, *people):
    """Records as the server makes them, of a code and five answers each."""
    is_postgres = database.url.startswith("postgres")
    for code, answers in people:
        near, digest = near_of(answers), (code.encode().hex() + "0" * 64)[:64]
        values = (f"decode('{digest}', 'hex'), decode('{near}', 'hex')" if is_postgres
                  else f"'{digest}', '{near}'")
        database.query("INSERT INTO uic_records (uic_code, phone_number, created_at, last_requested_at,"
                       " input_hash, near) VALUES"
                       f" ('{code}', '+2438', '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', {values})")


A, B, C, D, TWIN = ("985-KINS-15-JEA-KABI-A3F9D", "985-KINS-16-JEA-KABI-0B7C2", "985-KINS-15-JEA-KABI-77F01",
                    "984-KINS-15-JEA-KABI-12345", "985-KINS-15-MAR-KABI-54321")
PEOPLE = [(A, "ypfdn"), (B, "ypfDn"), (C, "ypfdn"), (D, "Ypfdn"), (TWIN, "ypFdn")]


@pytest.fixture
def server(start, database):
    return start(DATABASE_URL=database.url, ADMIN_TOKEN=TOKEN, UIC_TEST_DUPLICATES_SECONDS=1)


@pytest.fixture
def duplicates(tmp_path, database):
    """duplicates(arguments) -> the finished command."""
    def run(*arguments, **settings):
        return run_program("duplicates", *arguments, cwd=tmp_path, DATABASE_URL=database.url,
                           **{**ENGLISH, **settings})

    return run


def pairs(duplicates, *arguments):
    """[(codes, what differs, decision, the code that counts)] by the number of each pair."""
    done = duplicates("--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(row) == {"pair", "codes", "differs", "said", "decision", "counted_as"} for row in rows)
    return {row["pair"]: (tuple(row["codes"]), row["differs"], row["decision"], row["counted_as"]) for row in rows}


def counted(tmp_path, database, *options):
    done = run_program("export", "--format", "csv", *options, cwd=tmp_path, DATABASE_URL=database.url)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    return {row["uic_code"]: row["counted_as"] for row in rows}


def found_all(duplicates, count):
    return eventually(lambda: len(pairs(duplicates)) == count, f"{count} pairs")


def test_from_the_server_to_the_export(server, database, duplicates, tmp_path):
    insert(database, *PEOPLE)
    found_all(duplicates, 5)
    listed = pairs(duplicates)
    numbers = {(codes, differs): number for number, (codes, differs, _, _) in listed.items()}
    assert set(numbers) == {((A, B), "day"), ((A, C), "spelling"), ((B, C), "day"), ((A, D), "year"), ((C, D), "year")}
    assert stats(server)["totals"]["possible_duplicates"] == 5
    assert counted(tmp_path, database) == {code: code for code, _ in PEOPLE}

    done = duplicates("--same", str(numbers[(A, C), "spelling"]))
    assert (done.returncode, done.stdout) == (0, f"the same person: {A} counts\n"), done.stderr
    done = duplicates("--different", B, A)
    assert (done.returncode, done.stdout) == (0, "two persons: each code counts for itself\n"), done.stderr
    done = duplicates("--same", C, B)
    assert done.returncode == 1 and f"pair {numbers[(A, B), 'day']} says that they are two persons" in done.stderr
    assert duplicates("--same", D, C).returncode == 0
    assert counted(tmp_path, database) == {A: A, B: B, C: A, D: A, TWIN: TWIN}
    assert counted(tmp_path, database, "--no-phone")[C] == A
    lines = run_program("export", "--format", "jsonl", cwd=tmp_path, DATABASE_URL=database.url).stdout
    assert [json.loads(line)["counted_as"] for line in lines.splitlines()] == [A, B, A, A, TWIN]
    assert set(pairs(duplicates)) == {numbers[(B, C), "day"], numbers[(A, D), "year"]}
    assert len(pairs(duplicates, "--decided")) == 3 and len(pairs(duplicates, "--all")) == 5
    assert "so already" in duplicates("--same", A, C).stdout

    database.query(f"DELETE FROM uic_records WHERE uic_code = '{A}'")
    assert counted(tmp_path, database) == {B: B, C: C, D: C, TWIN: TWIN}
    assert duplicates("--undo", C, D).stdout == "it is not decided any more\n"
    assert counted(tmp_path, database)[D] == D
    told = [(action, str(records)) for action, records, _ in audit(database)]
    assert told == [("duplicates: same", "1"), ("duplicates: different", "0"), ("duplicates: same", "1"),
                    ("duplicates: undone", "1")]
    assert all(author.startswith("command line (") for _, _, author in audit(database))
    eventually(lambda: stats(server)["totals"]["possible_duplicates"] == 2, "what is left")
    for text in (server.log(), get(server, "/metrics")[2], get(server, "/admin/stats")[2]):
        assert not any(code in text for code, _ in PEOPLE)


def test_what_is_shown_to_an_administrator(server, database, duplicates):
    assert duplicates().stdout == "no pair\n"
    assert duplicates(LANG="fr_CD.UTF-8").stdout == "aucune paire\n"
    insert(database, (A, "ypfdn"), (B, "ypfDn"))
    found_all(duplicates, 1)
    database.query("INSERT INTO uic_pairs (record, answers, why, said) SELECT id, "
                   + ("'00'" if database.url.startswith("sqlite") else "'\\x00'::bytea")
                   + f", 'said', 'same' FROM uic_records WHERE uic_code = '{A}'")
    head, first, second = duplicates(LANG="fr_CD.UTF-8").stdout.splitlines()
    assert head.split() == ["paire", "code", "autre", "code", "ce", "qui", "diffère"]
    assert first.split() == ["1", A, B, "le", "jour"]
    assert " ".join(second.split()[1:]) == f"{A} (sans code) dit par la personne dit : la même"
    assert duplicates("--same", "1").returncode == 0
    assert " ".join(duplicates("--decided").stdout.splitlines()[1].split()) == f"1 {A} {B} the day the same: {A} counts"
    assert duplicates().stderr == ""
    # As if there were that many.
    database.query("UPDATE uic_totals SET new_codes = 20000000" if database.url.startswith("sqlite") else
                   "UPDATE uic_totals_shards SET new_codes = 20000000 WHERE hour = '-infinity'")
    assert "at least 5.3% of new ones look like somebody else's by chance" in duplicates().stderr
    assert "5,3\u00a0% au moins" in duplicates(LANG="fr_CD.UTF-8").stderr


@pytest.mark.parametrize("arguments", [
    ("--same",), ("--same", "x"), ("--same", "0"), ("--same", "1", "2", "3"), ("--same", "--undo", "1"), ("1",),
    ("--same", "1" * 30), ("--all", "--decided"), ("--same", "--json", "1"), ("--what",)])
def test_what_it_does_not_understand(tmp_path, arguments):
    assert run_program("duplicates", *arguments, cwd=tmp_path).returncode == 2


def test_what_is_not_there(database, duplicates, tmp_path):
    missing = duplicates("--same", "1")
    assert missing.returncode == 1 and "DATABASE_URL" in missing.stderr
    assert run_program("init-db", cwd=tmp_path, DATABASE_URL=database.url).returncode == 0
    assert "no pair has this number" in duplicates("--same", "1").stderr
    assert "no record has this code" in duplicates("--undo", A, B).stderr
    assert audit(database) == []


def test_it_stays_through_a_backup_and_a_restore(start, server, script, database, duplicates, tmp_path):
    insert(database, *PEOPLE[:3])
    found_all(duplicates, 3)
    assert duplicates("--same", A, C).returncode == 0
    before = pairs(duplicates, "--all")
    server.stop()
    assert script("backup", "--directory", tmp_path / "kept", DATABASE_URL=database.url).returncode == 0
    assert duplicates("--undo", A, C).returncode == 0
    done = script("restore", "--force", backups(tmp_path / "kept")[0], DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    assert pairs(duplicates, "--all") == before
    again = start(DATABASE_URL=database.url, UIC_TEST_DUPLICATES_SECONDS=1)
    insert(database, (D, "Ypfdn"))
    found_all(duplicates, 4)
    again.stop()
    assert counted(tmp_path, database) == {A: A, B: B, C: A, D: D}
