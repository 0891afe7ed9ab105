"""All records in a file: for spreadsheets and for programs."""

import csv
import io
import json
import os
import sqlite3
import stat
import subprocess

import pytest
from processes import PROGRAM, environment_for, run_program
from production import PostgresServer

FIELDS = ["uic_code", "phone_number", "created_at", "last_requested_at", "is_active",
          "request_count", "notes", "user_id", "counted_as"]

# (code, number, created, last, active, count, notes, user_id)
USER_ID = "00112233445566778899aabbccddeeff"
RECORDS = [
    ("985-KINS-15-JEA-KABI-A3F9D", "+243810000001", "2025-12-31 23:59:59.999999",
     "2026-02-01 10:00:00.000000", True, 3, None, USER_ID),
    ("MBEIBR7DA1", "US.1234567", "2026-01-01 00:00:00.000000", "2026-01-01 00:00:00.000000", False,
     1, "perdu sa carte, « hier »\nà Goma\tbis", None),
    ("0E1", "", "2026-01-15 08:30:00.500000", "2026-01-15 08:30:00.500000", True, 1, '=2+5+cmd|"/C calc"!A0', None),
    ("1E5", "+243810000001", "2026-01-16 08:30:00.000000", "2026-01-16 08:30:00.000000", True, 12,
     "-1", None),
    ("1E6", "+1+HYPERLINK(1)", "2026-01-17 08:30:00.000000", "2026-01-17 08:30:00.000000", True, 1,
     "@SUM(A1)", None),
]


def insert(sql, row, number):
    code, phone, created, last, active, count, notes, user_id = row

    def text(value):
        return "NULL" if value is None else "'" + value.replace("'", "''") + "'"

    digest = f"{number:064x}"
    return sql.format(text(code), text(phone), digest, text(created), text(last), active, count, text(notes),
                      text(user_id))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """A database with the records above."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path}/records.db"
        assert run_program("init-db", cwd=tmp_path, DATABASE_URL=found).returncode == 0
        database = sqlite3.connect(tmp_path / "records.db")
        for number, row in enumerate(RECORDS):
            database.execute(insert(SQL.replace("{h}", "'{}'").replace("{u}", "{}"), row, number))
        database.commit()
        database.close()
        yield found
        return
    with PostgresServer(tmp_path / "postgres") as server:
        assert run_program("init-db", cwd=tmp_path, DATABASE_URL=server.url).returncode == 0
        for number, row in enumerate(RECORDS):
            server.query(insert(SQL.replace("{h}", "'\\x{}'").replace("{u}", "decode({}, 'hex')"), row, number))
        yield server.url


SQL = ("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at,"
       " is_active, request_count, notes, user_id) VALUES ({}, {}, {h}, {}, {}, {}, {}, {}, {u})")


def export(url, tmp_path, *arguments):
    return run_program("export", *arguments, cwd=tmp_path, DATABASE_URL=url)


def iso(time):
    return time.replace(" ", "T") + "Z"


def test_csv(url, tmp_path):
    done = export(url, tmp_path, "--format", "csv", "--output", "out.csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    raw = (tmp_path / "out.csv").read_bytes()
    assert raw.decode("utf-8").count("\r\n") == len(RECORDS) + 1
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))
    assert rows[0] == FIELDS
    for row, (code, phone, created, last, active, count, notes, user_id) in zip(rows[1:], RECORDS, strict=True):
        notes = notes or ""
        # What a spreadsheet would calculate is a text; a number of a phone calculates nothing else.
        expected_notes = "'" + notes if notes[:1] in ("=", "+", "-", "@") and notes else notes
        expected_phone = "'" + phone if phone.startswith("+1+") else phone
        assert row == [code, expected_phone, iso(created), iso(last), str(active).lower(), str(count),
                       expected_notes, user_id or "", code]


def test_json_lines_hold_every_text_as_it_is(url, tmp_path):
    done = export(url, tmp_path, "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == [
        dict(zip(FIELDS, (code, phone, iso(created), iso(last), active, count, notes, user_id, code)))
        for code, phone, created, last, active, count, notes, user_id in RECORDS]
    assert [list(row) for row in rows] == [FIELDS] * len(RECORDS)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_without_phone_numbers(url, tmp_path, form):
    done = export(url, tmp_path, "--format", form, "--no-phone")
    assert done.returncode == 0
    assert "phone" not in done.stdout and "24381" not in done.stdout and "US.12" not in done.stdout
    assert "user_id" not in done.stdout and USER_ID not in done.stdout
    assert "MBEIBR7DA1" in done.stdout


@pytest.mark.parametrize("since, count", [
    ("2026-01-01", 4), ("2026-01-15T08:30:00.500000", 3), ("2026-01-15T08:30:00.500001Z", 2),
    ("2027-01-01", 0), ("2025-01-01 00:00:00", 5)])
def test_since_a_date(url, tmp_path, since, count):
    done = export(url, tmp_path, "--format", "jsonl", "--since", since)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, count), done.stderr


def test_a_byte_order_mark_for_excel(url, tmp_path):
    done = export(url, tmp_path, "--format", "csv", "--bom")
    assert done.stdout.startswith("\ufeffuic_code,")


def test_a_french_excel_wants_semicolons(url, tmp_path):
    comma, semicolon = (export(url, tmp_path, "--format", "csv", *options).stdout
                        for options in ([], ["--separator", ";"]))
    rows = [list(csv.reader(io.StringIO(text), delimiter=separator))
            for text, separator in ((comma, ","), (semicolon, ";"))]
    assert rows[0] == rows[1] and len(rows[1]) > 1 and ";" in semicolon.splitlines()[0]
    assert export(url, tmp_path, "--format", "csv", "--separator", "a").returncode == 2


def test_a_file_of_the_shell_is_its_owners_too(url, tmp_path):
    with (tmp_path / "shell.csv").open("w") as out:
        done = subprocess.run([PROGRAM, "export", "--format", "csv"], cwd=tmp_path, stdout=out,
                              env=environment_for(DATABASE_URL=url))
    assert done.returncode == 0
    assert stat.S_IMODE(os.stat(tmp_path / "shell.csv").st_mode) == 0o600


def test_the_file_is_its_owners_and_replaces_an_older_one(url, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "out.csv").chmod(0o644)
    assert export(url, tmp_path, "--format", "csv", "--output", tmp_path / "out.csv").returncode == 0
    assert stat.S_IMODE(os.stat(tmp_path / "out.csv").st_mode) == 0o600
    assert "MBEIBR7DA1" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("out.csv.*"))


def test_a_file_that_cannot_be_completed_is_not_there(url, tmp_path):
    done = export(url, tmp_path, "--format", "csv", "--output", "nowhere/out.csv")
    assert done.returncode == 1 and "nowhere/out.csv: No such file" in done.stderr
    done = export("sqlite:///./no.db", tmp_path, "--format", "csv", "--output", "out.csv")
    assert done.returncode == 1 and not (tmp_path / "out.csv").exists()


def test_arguments(tmp_path):
    for arguments in ((), ("--format", "xml"), ("--format", "csv", "more"),
                      ("--format", "csv", "--since", "tomorrow")):
        done = export("sqlite:///./none.db", tmp_path, *arguments)
        told = "unexpected argument 'more'" if "more" in arguments else "expected --"
        assert done.returncode == 2 and told in done.stderr, arguments


def test_only_files_are_replaced(url, tmp_path):
    """A device or a pipe is written to where it is; a link stays what it is."""
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    target.write_text("mine")
    link.symlink_to(target)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    done = run_program("export", "--format", "csv", "--output", pipe, cwd=tmp_path, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert reader.communicate()[0].startswith(b"uic_code,") and pipe.is_fifo()
    done = run_program("export", "--format", "csv", "--output", link, cwd=tmp_path, DATABASE_URL=url)
    assert done.returncode == 1 and "it is a link" in done.stderr
    assert link.is_symlink() and target.read_text() == "mine"
    for device, code in (("null", 0), ("full", 1)):  # ours: a test must not risk the machine's
        path = tmp_path / device
        path.symlink_to(f"/dev/{device}")
        done = run_program("export", "--format", "csv", "--output", path, cwd=tmp_path, DATABASE_URL=url)
        assert done.returncode == code, done.stderr
        assert path.is_symlink()
