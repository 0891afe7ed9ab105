"""Databases in the two forms of the Python version, made with SQL of our own, and the people in
them. Its first release named its columns after other questions than it asked."""

import hashlib
import itertools
import random
import sqlite3

from texts import normalize

SALT = "Old-Python-Salt_42-rK7wQ2vN9tZx"

COMMON = """id INTEGER PRIMARY KEY, uic_code VARCHAR(50) NOT NULL UNIQUE,
    phone_number VARCHAR(20) NOT NULL, {answers}, input_hash VARCHAR(64) NOT NULL,
    created_at {time} NOT NULL, last_requested_at {time} NOT NULL, is_active BOOLEAN NOT NULL,
    notes TEXT, request_count INTEGER NOT NULL"""

FIRST_NAMES = ["Jean", "Béatrice", "Ésaïe", "Marie-Claire", "Gédéon", "Chançard", "N'Sele", "Ève"]
FAMILIES = ["Kabila", "Mbuyi", "Tshisekedi", "Ngoïe", "Mukendi", "Ilunga", "Kazadi", "Lumumba"]
TOWNS = ["Kinshasa", "Lubumbashi", "Mbuji-Mayi", "Goma", "Kisangani", "Bukavu", "Boma", "Kindu"]


class Form:
    """name; flow: the file that goes with it; columns: its answers; answers(n): what the n-th person
    says; code(normalised answers)."""

    def __init__(self, name, flow, columns, answers, code):
        self.name, self.flow, self.columns = name, flow, columns
        self.answers, self.code = answers, code


def _initial_answers(number, dice):
    return (str(1940 + number % 80), dice.choice(TOWNS), dice.choice(FIRST_NAMES) + _letters(number),
            str(1 + number % 31), dice.choice(FAMILIES))


def _initial_code(answers):
    year, place, first, day, family = answers
    digest = hashlib.sha256(("".join(answers) + SALT).encode()).hexdigest().upper()
    return (f"{year[-3:]}-{place[:4].ljust(4, 'X')}{day[:2].rjust(2, '0')}-{first[:3]}"
            f"-{family[:4]}-{digest[:5]}")


def _short_answers(number, dice):
    # Everybody's code is another one, so the first letters count the people.
    letters = _letters(number).rjust(6, "a")
    return (letters[:3].title(), letters[3:], str(number % 10),
            dice.choice(["KI", "Lu", "MB", "go"]), str(1 + number % 4))


def _short_code(answers):
    family, first, year, town, gender = answers
    return f"{family[:3]}{first[:3]}{year[-1]}{town[:2]}{gender}"


def _letters(number):
    text = ""
    while True:
        number, letter = divmod(number, 26)
        text = chr(ord("a") + letter) + text
        if number == 0:
            return text


INITIAL = Form("initial", "reference-initial.json",
               ["normalized_first_name", "normalized_last_name", "normalized_birth_year",
                "normalized_mother_init", "normalized_health_zone"], _initial_answers, _initial_code)
SHORT = Form("lllfffycg", "lllfffycg.json",
             ["normalized_last_name_code", "normalized_first_name_code",
              "normalized_birth_year_digit", "normalized_city_code", "normalized_gender_code"],
             _short_answers, _short_code)
FORMS = [INITIAL, SHORT]


class Person:
    def __init__(self, form, number):
        dice = random.Random(number)
        self.answers = form.answers(number, dice)
        self.normalized = [normalize(answer) for answer in self.answers]
        self.code = form.code(self.normalized)
        self.phone = f"+24382{number:07}"
        self.created = f"2024-{1 + number % 12:02}-{1 + number % 28:02} 08:{number % 60:02}:07.{number % 10**6:06}"
        self.last = f"2025-{1 + number % 12:02}-{1 + number % 28:02} 18:30:00.000000"
        self.active = number % 7 != 3
        self.notes = "vue à la clinique ; \t\"Goma\"\nligne 2 \\N" if number % 11 == 5 else None
        self.count = 1 + number % 4

    def row(self):
        digest = hashlib.sha256("|".join(self.normalized).encode()).hexdigest()
        return (self.code, self.phone, *self.normalized, digest, self.created, self.last,
                self.active, self.notes, self.count)


def people(form, count):
    """So many persons with different answers and codes."""
    seen = set()
    found = []
    for number in itertools.count():
        person = Person(form, number)
        if person.code not in seen and len(found) < count:
            seen.add(person.code)
            found.append(person)
        if len(found) == count:
            return found


def _names(form):
    return ", ".join(["uic_code", "phone_number", *form.columns, "input_hash", "created_at",
                      "last_requested_at", "is_active", "notes", "request_count"])


def _table(form, time):
    answers = ", ".join(f"{column} VARCHAR(80) NOT NULL" for column in form.columns)
    return f"CREATE TABLE uic_records ({COMMON.format(answers=answers, time=time)})"


def write_sqlite(path, form, persons):
    with sqlite3.connect(path) as database:
        database.execute(_table(form, "DATETIME"))
        marks = ",".join("?" * 13)
        database.executemany(f"INSERT INTO uic_records ({_names(form)}) VALUES ({marks})",
                             [person.row() for person in persons])
    database.close()
    return f"sqlite:///{path}"


def write_postgres(server, database, form, persons):
    """In a database of its own on the server."""
    server.query(f"CREATE DATABASE {database}", "postgres")
    sql = _table(form, "TIMESTAMP").replace("id INTEGER", "id SERIAL")
    rows = ",".join("(" + ",".join(_literal(value) for value in person.row()) + ")"
                    for person in persons)
    script = server.folder / f"{database}.sql"
    script.write_text(f"{sql};\nINSERT INTO uic_records ({_names(form)}) VALUES {rows};\n",
                      encoding="utf-8")
    server.query_file(script, database)
    return server.url.replace(f"/{server.NAME}?", f"/{database}?")


def _literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value)
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
