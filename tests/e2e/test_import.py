"""Moving from the Python version: its records in both of its forms, from both databases into both,
and everybody who comes back gets the old code."""

import random
import re
import sqlite3

import pytest
from old_database import FORMS, INITIAL, SALT, SHORT, people, write_postgres, write_sqlite
from phone import Phone
from processes import run_program

REPORT = re.compile(r"^(\d+) rows read, (\d+) (?:taken|would be taken), (\d+) already there, "
                    r"(\d+) refused$", re.M)
COLUMNS = ("uic_code, phone_number, created_at, last_requested_at, is_active, notes,"
           " request_count")


TOTALS = "SELECT sum(new_codes), sum(new_phones), sum(requests) FROM uic_totals"


@pytest.fixture
def move(tmp_path, root):
    """move(old URL, new URL, form, ...) -> the finished command and (read, taken, there, refused)."""

    def run(old, new, form, *arguments, **settings):
        settings = {"UIC_SALT": SALT, "FLOW_FILE": root / "flow/definitions" / form.flow,
                    "DATABASE_URL": new, **settings}
        done = run_program("import", "--from", old, *arguments, cwd=tmp_path, **settings)
        found = REPORT.search(done.stdout)
        return done, tuple(map(int, found.groups())) if found else None

    return run


def new_url(tmp_path):
    return f"sqlite:///{tmp_path}/new.db"


def rows_of(path, columns=COLUMNS):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute(f"SELECT {columns} FROM uic_records ORDER BY id").fetchall()
    finally:
        database.close()


def minute(time):
    """As it is kept: nobody wrote at a second."""
    return time[:17] + "00.000000"


def as_kept(person):
    return (person.code, person.phone, minute(person.created), person.last, int(person.active),
            person.notes, person.count)


def come_back(server, person):
    """The person answers as years ago, from the same number; the reply's code. A word that is the one
    before is asked for once more."""
    said = ["Bonjour"]
    for answer, normalized, before in zip(person.answers, person.normalized, ("", *person.normalized)):
        said += [answer] * (2 if normalized == before and not normalized.isdigit() else 1)
    with Phone(server, person.phone) as phone:
        reply = phone.say_all(*said)
    codes = [line for line in reply.splitlines() if line.strip() and line == person.code]
    assert codes == [person.code], (person.answers, reply)
    return reply


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_everything_is_kept_and_everybody_gets_the_old_code(start, move, tmp_path, root, form):
    old = people(form, 60)
    old[0].code = "A-CODE-OF-ANOTHER-SALT"
    url = write_sqlite(tmp_path / "old.db", form, old)
    before = (tmp_path / "old.db").read_bytes()
    done, counts = move(url, new_url(tmp_path), form)
    assert done.returncode == 0, done.stderr
    assert counts == (60, 60, 0, 0)
    assert "1 of these codes are not those" in done.stdout
    assert (tmp_path / "old.db").read_bytes() == before
    assert not list(tmp_path.glob("old.db-*"))
    assert rows_of(tmp_path / "new.db") == [as_kept(person) for person in old]

    server = start(DATABASE_URL=new_url(tmp_path), UIC_SALT=SALT,
                   FLOW_FILE=root / "flow/definitions" / form.flow)
    for person in old:
        come_back(server, person)
    server.stop()
    assert [row[:3] for row in rows_of(tmp_path / "new.db")] == [as_kept(p)[:3] for p in old]
    assert [row[6] for row in rows_of(tmp_path / "new.db")] == [p.count + 1 for p in old]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_from_postgres_to_postgres_a_thousand_come_back(start, move, postgres, root, form):
    old = people(form, 6000)
    url = write_postgres(postgres, "old", form, old)
    done, counts = move(url, postgres.url, form)
    assert done.returncode == 0, done.stderr
    assert "column number" not in done.stderr, "libpq has nothing to say"
    assert counts == (6000, 6000, 0, 0)
    rows = postgres.query("SELECT uic_code, phone_number, created_at AT TIME ZONE 'UTC',"
                          " last_requested_at AT TIME ZONE 'UTC', is_active::integer,"
                          " md5(notes), request_count FROM uic_records ORDER BY id")
    (notes,) = {row[5] for row in rows} - {""}
    (said,) = postgres.query("SELECT DISTINCT md5(notes) FROM uic_records WHERE notes IS NOT NULL", "old")
    assert notes == said[0]
    assert [tuple(row[:5]) + (bool(row[5]), int(row[6])) for row in rows] == \
        [(p.code, p.phone, minute(p.created)[:-7], p.last[:-7],
          str(int(p.active)), p.notes is not None, p.count) for p in old]
    kept = postgres.query(TOTALS)
    postgres.query("SELECT uic_totals_count()")
    assert postgres.query(TOTALS) == kept, "the statistics are those of counting again"

    again, counts = move(url, postgres.url, form)
    assert (again.returncode, counts) == (0, (6000, 0, 6000, 0))

    server = start(DATABASE_URL=postgres.url, UIC_SALT=SALT,
                   FLOW_FILE=root / "flow/definitions" / form.flow)
    for person in random.Random(1).sample(old, 1000):
        come_back(server, person)
    server.stop()
    assert len(postgres.records()) == 6000


def test_from_one_kind_of_database_to_the_other(move, postgres, tmp_path):
    old = people(INITIAL, 40)
    done, counts = move(write_sqlite(tmp_path / "old.db", INITIAL, old), postgres.url, INITIAL)
    assert (done.returncode, counts) == (0, (40, 40, 0, 0)), done.stderr
    done, counts = move(write_postgres(postgres, "old", INITIAL, old), new_url(tmp_path), INITIAL)
    assert (done.returncode, counts) == (0, (40, 40, 0, 0)), done.stderr
    assert rows_of(tmp_path / "new.db") == [as_kept(person) for person in old]


def test_a_second_run_takes_only_what_is_new_and_changes_nothing(move, tmp_path):
    old = people(SHORT, 30)
    done, counts = move(write_sqlite(tmp_path / "old.db", SHORT, old[:20]), new_url(tmp_path), SHORT)
    assert (done.returncode, counts) == (0, (20, 20, 0, 0)), done.stderr
    before = rows_of(tmp_path / "new.db", "*")
    more = write_sqlite(tmp_path / "more.db", SHORT, old)
    done, counts = move(more, new_url(tmp_path), SHORT)
    assert (done.returncode, counts) == (0, (30, 10, 20, 0))
    assert rows_of(tmp_path / "new.db", "*")[:20] == before
    assert move(more, new_url(tmp_path), SHORT)[1] == (30, 0, 30, 0)


def spoil(path, number, **values):
    database = sqlite3.connect(path)
    for column, value in values.items():
        database.execute(f"UPDATE uic_records SET {column} = ? WHERE id = ?", (value, number))
    database.commit()
    database.close()


SPOILS = [
    ({"uic_code": ""}, "the code is empty"),
    ({"uic_code": "985\nKINS"}, "the code is empty or has characters that no code has"),
    ({"uic_code": "X" * 200}, "the code is missing or too long"),
    ({"phone_number": "+243 82"}, "the phone number has characters"),
    ({"phone_number": "+" + "1" * 200}, "the phone number is missing or too long"),
    ({"created_at": "yesterday"}, "created_at is not a time"),
    ({"created_at": "2024-02-30 10:00:00"}, "created_at is not a time"),
    ({"last_requested_at": "12"}, "last_requested_at is not a time"),
    ({"is_active": "maybe"}, "is_active is neither"),
    ({"notes": b"\xff\xfe"}, "the notes are not UTF-8"),
    ({"notes": "n" * 70000}, "the notes are too long"),
    ({"notes": "a\0b"}, "a text has a NUL inside"),
    ({"normalized_last_name": "A" * 5000}, "an answer is too long"),
]


def test_rows_that_are_no_records_are_refused_by_id_and_reason(move, postgres, tmp_path):
    old = people(INITIAL, len(SPOILS) + 5)
    url = write_sqlite(tmp_path / "old.db", INITIAL, old)
    for number, (values, _) in enumerate(SPOILS, start=1):
        spoil(tmp_path / "old.db", number, **values)
    for target in (new_url(tmp_path), postgres.url):
        done, counts = move(url, target, INITIAL)
        assert done.returncode == 1
        assert counts == (len(old), 5, 0, len(SPOILS)), done.stderr
        lines = done.stderr.splitlines()
        for number, (_, why) in enumerate(SPOILS, start=1):
            assert lines[number - 1].startswith(f"id {number}: refused: {why}"), lines[number - 1]
        for person in old:  # nobody's name or number is told
            assert person.phone not in done.stderr and person.code not in done.stderr
            assert person.normalized[2] not in done.stderr


def test_what_cannot_stand_side_by_side_is_refused(move, postgres, tmp_path):
    old = people(INITIAL, 6)
    again = {column: answer for column, answer in zip(INITIAL.columns, old[0].normalized)}
    url = write_sqlite(tmp_path / "old.db", INITIAL, old)
    spoil(tmp_path / "old.db", 4, **again)  # the answers of the first, and a code of its own
    for target in (new_url(tmp_path), postgres.url):
        assert run_program("init-db", cwd=tmp_path, DATABASE_URL=target).returncode == 0
        for dry, counts in (["--dry-run"], (6, 5, 0, 1)), ([], (6, 5, 0, 1)), ([], (6, 0, 5, 1)):
            done, found = move(url, target, INITIAL, *dry)
            assert found == counts
            assert "id 4: refused: these answers have another code already" in done.stderr
            assert "are not those" not in done.stdout, "of those that were taken"

    other = write_sqlite(tmp_path / "other.db", INITIAL, people(INITIAL, 8)[6:])
    spoil(tmp_path / "other.db", 1, uic_code=old[0].code)
    for target in (new_url(tmp_path), postgres.url):
        for dry in (["--dry-run"], []):
            done, counts = move(other, target, INITIAL, *dry)
            assert counts == (2, 1, 0, 1)
            assert "id 1: refused: the code belongs to other answers already" in done.stderr


def test_a_dry_run_writes_nothing(move, postgres, tmp_path):
    old = people(SHORT, 25)
    url = write_sqlite(tmp_path / "old.db", SHORT, old)
    some = write_sqlite(tmp_path / "some.db", SHORT, old[:10])
    (tmp_path / "new.db").touch()
    for target in (new_url(tmp_path), postgres.url):
        done, _ = move(url, target, SHORT, "--dry-run")
        assert done.returncode == 1 and "init-db" in done.stderr, "there are no tables to compare with yet"
        assert move(some, target, SHORT)[1] == (10, 10, 0, 0)
        done, counts = move(url, target, SHORT, "--dry-run")
        assert (done.returncode, counts) == (0, (25, 15, 10, 0)), done.stderr
        assert "would be taken" in done.stdout
    assert len(rows_of(tmp_path / "new.db")) == 10
    assert len(postgres.records()) == 10


def test_pythons_drivers_and_forms_of_numbers_are_understood(move, tmp_path):
    old = people(SHORT, 3)
    write_sqlite(tmp_path / "old.db", SHORT, old)
    spoil(tmp_path / "old.db", 1, phone_number="whatsapp:+243820000000", request_count=0,
          created_at="2024-01-31T08:00:00Z")
    done, counts = move(f"sqlite+aiosqlite:///{tmp_path}/old.db", new_url(tmp_path), SHORT)
    assert counts == (3, 3, 0, 0), done.stderr
    row = rows_of(tmp_path / "new.db")[0]
    assert row[1:3] == ("+243820000000", "2024-01-31 08:00:00.000000") and row[6] == 1


def test_the_wrong_flow_salt_or_table_is_refused(move, tmp_path):
    old = people(SHORT, 3)
    url = write_sqlite(tmp_path / "old.db", SHORT, old)
    done, counts = move(url, new_url(tmp_path), INITIAL)
    assert (done.returncode, counts) == (1, None)
    assert "FLOW_FILE: the flow reference-initial does not ask" in done.stderr
    assert "set FLOW_FILE to lllfffycg.json" in done.stderr

    assert move(url, new_url(tmp_path), SHORT)[0].returncode == 0
    done, _ = move(url, new_url(tmp_path), SHORT, UIC_SALT="Another-Salt_12345")
    assert done.returncode == 3 and "UIC_SALT: is not the salt" in done.stderr

    done, _ = move(new_url(tmp_path), new_url(tmp_path), SHORT)
    assert done.returncode == 1 and "in neither form of the Python version" in done.stderr
    done, _ = move(url, url, SHORT)
    assert done.returncode == 1 and "is not this program's" in done.stderr
    done, _ = move(f"sqlite:///{tmp_path}/nowhere.db", new_url(tmp_path), SHORT)
    assert done.returncode == 1 and "No such file or directory" in done.stderr


def test_arguments(move, tmp_path):
    done = run_program("import", cwd=tmp_path)
    assert done.returncode == 2 and "--from URL" in done.stderr
    done = run_program("import", "--from", "mysql://x/y", cwd=tmp_path,
                       FLOW_FILE=None)
    assert done.returncode == 1 and "begins neither" in done.stderr
