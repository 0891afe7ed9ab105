"""Numbers in the database, sealed: everything is as it was, and nobody reads one without the salt. And what
is kept about a number, for its owner."""

import json
import subprocess

import meta
import numbers_moved
import old_database
import pytest
from phone import Phone
from processes import eventually, run_program
from production import ROOT, PostgresServer
from texts import JEAN, MARIE, code_in, message

NUMBER, OTHER = "+243899111222", "+243899111333"
LUC = ("1991", "Boma", "Luc", "3", "Ilunga")
USER = "CD.9001"
AWAY = "postgresql://uic@127.0.0.1:1/uic"


@pytest.fixture(scope="module")
def postgres_server(tmp_path_factory):
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """An empty database of its own."""
    if request.param == "sqlite":
        (tmp_path / "data").mkdir()
        return numbers_moved.SqliteNumbers(tmp_path / "data/codes.db")
    server = request.getfixturevalue("postgres_server")
    return numbers_moved.PostgresNumbers(server, f"n{abs(hash(request.node.name)) % 10**9}")


def everything(database):
    """All bytes that a dump shows; of a file all that stand in it and in the log beside it."""
    if isinstance(database, numbers_moved.SqliteNumbers):
        return b"".join(file.read_bytes() for file in database.path.parent.iterdir())
    return subprocess.run(["pg_dump", "-h", "127.0.0.1", "-p", str(database.server.port), "-U", "uic",
                           database.name], capture_output=True, check=True).stdout


@pytest.fixture
def run(tmp_path, database):
    """run(command, ..., NAME=value) -> the finished command, with this database and sealed numbers."""

    def run_with(*arguments, **settings):
        return run_program(*arguments, cwd=tmp_path,
                           **{"DATABASE_URL": database.url, "PHONE_NUMBERS": "sealed", "LANG": "en_US.UTF-8",
                              **settings})

    return run_with


def register(server, number, *persons):
    with Phone(server, number) as phone:
        return [code_in(phone.say_all("Bonjour", *person)) for person in persons]


def texts(database):
    return [row[0] for row in database.query("SELECT phone_number FROM uic_records ORDER BY id")]


def phones_counted(database):
    return database.query("SELECT sum(new_phones) FROM uic_totals")[0][0]


def told(server, number, person):
    with Phone(server, number) as phone:
        return phone.say_all("Bonjour", *person)


def test_sealed_numbers_do_what_clear_ones_do(start, redis, database, run):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url, PHONE_NUMBERS="sealed", LOG_LEVEL="DEBUG")
    jean, marie = register(server, NUMBER, JEAN, MARIE)
    (luc,) = register(server, OTHER, LUC)
    assert told(server, NUMBER, JEAN) == message("existing_code", code=jean)
    assert told(server, OTHER, JEAN) == message("new_code", code=jean)
    assert told(server, OTHER, JEAN) == message("existing_code", code=jean)
    one, same, other = texts(database)
    assert one == same != other and one.startswith("siv:") and other.startswith("siv:")
    assert phones_counted(database) == "2"

    said = run("check", REDIS_URL=redis.url).stdout
    assert "ok    numbers: sealed" in said and "hint  numbers" not in said, said
    exported = run("export", "--format", "jsonl")
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [(row["uic_code"], row["phone_number"]) for row in rows] == [(jean, NUMBER), (marie, NUMBER), (luc, OTHER)]
    closed = run("export", "--format", "csv", UIC_SALT="Another-Salt_12345")
    assert closed.returncode == 1 and "another UIC_SALT" in closed.stderr and "siv:" not in closed.stdout
    without = run("export", "--format", "csv", "--no-phone", UIC_SALT="Another-Salt_12345")
    assert without.returncode == 0 and marie in without.stdout and "siv:" not in without.stdout

    # A dump of the database, of Redis, and the logs.
    assert marie.encode() in everything(database), "the reading itself works"
    redis.command("SAVE")
    stored = b"".join(path.read_bytes() for path in redis.directory.rglob("*") if path.is_file())
    for number in (NUMBER, OTHER):
        for held in (everything(database), stored, server.log().encode()):
            assert number[1:].encode() not in held and number[4:].encode() not in held
    assert b"siv:" not in server.log().encode()

    done = run("erase", "--phone", NUMBER, "--yes", REDIS_URL=redis.url)
    assert "records without their number now: 2" in done.stdout, done.stderr
    assert texts(database) == ["", "", other]
    assert one.encode() not in everything(database)


def test_what_is_kept_about_a_number(start, redis, database, run):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url, PHONE_NUMBERS="sealed")
    jean, marie = register(server, NUMBER, JEAN, MARIE)
    (luc,) = register(server, OTHER, LUC)
    register(server, NUMBER, LUC)
    database.query(f"UPDATE uic_records SET notes = 'rappeler {NUMBER}' WHERE uic_code = '{luc}'")
    database.query(f"UPDATE uic_records SET notes = 'dossier\n12', is_active = false WHERE uic_code = '{marie}'")
    with Phone(server, NUMBER) as phone:
        phone.say("Bonjour")
    server.stop()
    away = start(DATABASE_URL=AWAY, REDIS_URL=redis.url, PHONE_NUMBERS="sealed", wait_for="/health")
    register(away, NUMBER, ("1992", "Boma", "Luc", "3", "Ilunga"))
    away.stop()
    for mode in ("sealed", "clear"):  # what is found does not depend on it
        said = run("records", "--phone", "+243 899 111 222", REDIS_URL=redis.url, PHONE_NUMBERS=mode)
        assert said.returncode == 0, said.stderr
        lines = said.stdout.splitlines()
        assert "records of this number: 2" in lines
        assert [line.strip() for line in lines if "-" in line and line.startswith("  ") and "UTC" not in line] == [
            jean, marie]
        assert "requests: 1, deactivated" in said.stdout and "notes: dossier 12" in said.stdout
        assert "records of others that remember that it asked for them: 1" in lines
        assert "records of others whose notes mention it: 1" in lines
        assert "open conversations: 1" in lines and "records on their way to the database: 1" in lines
        assert luc not in said.stdout and OTHER not in said.stdout and "siv:" not in said.stdout
    french = run("records", "--phone", NUMBER, REDIS_URL=redis.url, LANG="fr_FR.UTF-8").stdout
    assert "fiches à ce numéro : 2" in french
    assert "records of this number: 0" in run("records", "--phone", "+243899111444").stdout
    assert run("records", "--phone", NUMBER, UIC_SALT="Another-Salt_12345").returncode == 1
    assert run("records").returncode == run("records", "--phone", "0812345678").returncode == 2


def test_a_mode_that_changes_while_people_write(start, redis, database, run):
    """Each record is found in either form, nobody is told anything else, and no number is counted twice."""
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
    server = start(**settings)
    (jean,) = register(server, NUMBER, JEAN)
    register(server, OTHER, LUC)
    clear = database.query("SELECT id, phone_number FROM uic_records ORDER BY id")
    server.stop()
    said = run("phones", "--seal", PHONE_NUMBERS="clear")
    assert said.returncode == 1 and "set PHONE_NUMBERS=sealed" in said.stderr.replace("First ", "")
    assert "2 still stand in clear: run whatsapp-uic phones --seal" in run("check", REDIS_URL=redis.url).stdout

    server = start(**settings, PHONE_NUMBERS="sealed")
    assert told(server, NUMBER, JEAN) == message("existing_code", code=jean)
    register(server, NUMBER, MARIE)  # its number stands in both forms now
    assert phones_counted(database) == "3"
    said = run("phones", "--seal")
    assert said.returncode == 0 and "numbers sealed: 2" in said.stdout, said.stderr
    assert phones_counted(database) == "2" and NUMBER[1:].encode() not in everything(database)
    assert [text == texts(database)[0] for text in texts(database)] == [True, False, True]
    assert told(server, NUMBER, JEAN) == message("existing_code", code=jean)
    again = run("phones", "--seal")
    assert again.returncode == 0 and "numbers sealed: 0" in again.stdout
    assert run("phones", "--seal", UIC_SALT="Another-Salt_12345").returncode == 1
    server.stop()

    said = run("check", REDIS_URL=redis.url, PHONE_NUMBERS="clear").stdout
    assert "ok    numbers: in clear" in said and "2 still stand sealed: run whatsapp-uic phones --open" in said
    refused = run("phones", "--open")
    assert refused.returncode == 1 and "PHONE_NUMBERS: is sealed" in refused.stderr
    opened = run("phones", "--open", PHONE_NUMBERS="clear")
    assert opened.returncode == 0 and "numbers opened: 2" in opened.stdout, opened.stderr
    assert database.query("SELECT id, phone_number FROM uic_records ORDER BY id")[:2] == clear
    assert phones_counted(database) == "2"


def test_half_of_a_number_is_erased_with_the_other(start, redis, database, run):
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
    server = start(**settings)
    register(server, NUMBER, JEAN)
    server.stop()
    server = start(**settings, PHONE_NUMBERS="sealed")
    register(server, NUMBER, MARIE)
    server.stop()
    away = start(**{**settings, "DATABASE_URL": AWAY}, PHONE_NUMBERS="sealed", wait_for="/health")
    register(away, NUMBER, LUC)
    away.stop()
    done = run("erase", "--phone", NUMBER, "--yes", REDIS_URL=redis.url)
    assert "records without their number now: 2" in done.stdout, done.stderr
    assert "records on their way to the database: 1" in done.stdout
    server = start(**settings, PHONE_NUMBERS="sealed")
    eventually(lambda: len(texts(database)) == 3, "the outbox is written")
    assert texts(database) == ["", "", ""]
    assert database.query("SELECT count(*) FROM uic_records WHERE length(asked_by) > 0") == [("0",)]


def test_a_person_is_found_by_number_or_user_id(start, redis, database, run):
    """The number stands in clear, then sealed, then it is hidden, and what stands in its place is sealed."""
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
    codes = []
    for mode, hidden, person in (("clear", False, JEAN), ("sealed", False, MARIE), ("sealed", True, LUC)):
        server = start(**settings, PHONE_NUMBERS=mode)
        with Phone(server, NUMBER) as phone:
            phone.user_id, phone.hidden = USER, hidden
            codes.append(code_in(phone.say_all("Bonjour", *person)))
        server.stop()
    clear, sealed, hidden = texts(database)
    assert clear == NUMBER and sealed.startswith("siv:") and hidden.startswith("siv:") and sealed != hidden
    for name in (NUMBER, USER):
        said = run("records", "--phone", name, "--all", REDIS_URL=redis.url)
        assert said.returncode == 0 and "records of this number: 3" in said.stdout, said.stderr
        assert all(code in said.stdout for code in codes)
        dry = run("erase", "--phone", name, "--dry-run", REDIS_URL=redis.url)
        assert "records without their number now: 3" in dry.stdout, dry.stderr
    done = run("erase", "--phone", USER, "--yes", REDIS_URL=redis.url)
    assert "records without their number now: 3" in done.stdout and texts(database) == ["", "", ""]


def test_another_number_is_written_by_the_mode(start, redis, database, run):
    settings = {**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url}
    for mode, person in (("clear", JEAN), ("sealed", MARIE)):
        server = start(**settings, PHONE_NUMBERS=mode)
        with Phone(server, NUMBER) as phone:
            phone.user_id = USER
            phone.say_all("Bonjour", *person)
        if mode == "clear":
            server.stop()
    change = meta.text(NUMBER[1:], "")
    del change["text"]
    with meta.Meta(server) as sender:
        sender.say({**change, "type": "system",
                    "system": {"body": "User A changed from B to C", "type": "user_changed_number",
                               "wa_id": OTHER[1:], "user_id": USER, "previous_user_id": USER}})
    eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
    one, same = texts(database)
    assert one == same and one.startswith("siv:")
    rows = run("export", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["phone_number"] for line in rows] == [OTHER, OTHER]


def test_who_came_by_the_outbox_is_known_again(start, redis, database):
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url, "PHONE_NUMBERS": "sealed"}
    start(**settings).stop()
    away = start(**{**settings, "DATABASE_URL": AWAY}, wait_for="/health")
    (luc,) = register(away, NUMBER, LUC)
    away.stop()
    server = start(**settings)
    eventually(lambda: len(texts(database)) == 1, "the outbox is written")
    assert texts(database)[0].startswith("siv:")
    assert told(server, OTHER, LUC) == message("new_code", code=luc)
    assert told(server, NUMBER, LUC) == message("existing_code", code=luc)


def test_numbers_that_wait_in_the_outbox_are_told(start, redis, database, run):
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
    start(**settings, PHONE_NUMBERS="clear").stop()
    assert "hint" not in run("phones", "--seal", REDIS_URL=redis.url).stdout
    away = start(**{**settings, "DATABASE_URL": AWAY}, PHONE_NUMBERS="clear", wait_for="/health")
    register(away, NUMBER, LUC)
    away.stop()
    done = run("phones", "--seal", REDIS_URL=redis.url)
    assert done.returncode == 0 and "with their numbers in the old form: 1;" in done.stdout, done.stdout
    server = start(**settings, PHONE_NUMBERS="sealed")
    eventually(lambda: texts(database) == [NUMBER], "the outbox is written")
    server.stop()
    assert "numbers sealed: 1" in run("phones", "--seal", REDIS_URL=redis.url).stdout
    assert texts(database)[0].startswith("siv:")
    assert "the outbox could not be read" in run("phones", "--seal", REDIS_URL="redis://127.0.0.1:1/0").stdout


def test_imported_numbers_are_sealed_and_known(start, database, run, tmp_path):
    form = old_database.INITIAL
    persons = old_database.people(form, 20)
    source = old_database.write_sqlite(tmp_path / "old.db", form, persons)
    done = run("import", "--from", source, FLOW_FILE=ROOT / "flow/definitions" / form.flow)
    assert done.returncode == 0, done.stderr
    assert all(text.startswith("siv:") for text in texts(database))
    assert len(set(texts(database))) == len({person.phone for person in persons})
    exported = run("export", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["phone_number"] for line in exported] == [person.phone for person in persons]
    # A record that remembers nobody was asked for by its number.
    server = start(DATABASE_URL=database.url, PHONE_NUMBERS="sealed", FLOW_FILE=ROOT / "flow/definitions" / form.flow)
    person = next(person for person in persons if person.active and len(set(person.normalized)) == 5)
    with Phone(server, person.phone) as owner, Phone(server, OTHER) as stranger:
        for_owner, for_stranger = (phone.say_all("Bonjour", *person.answers) for phone in (owner, stranger))
    assert person.code in for_owner and person.code in for_stranger and for_owner != for_stranger


def test_what_does_not_open_is_left_and_told(database, run, tmp_path):
    numbers_moved.prepare(database, tmp_path)
    database.fill(10)
    database.query("UPDATE uic_records SET phone_number = 'siv:written by hand' WHERE uic_code = 'C3'")
    database.query("UPDATE uic_records SET phone_number = '' WHERE uic_code = 'C4'")
    database.query("UPDATE uic_records SET phone_number = 'unknown' WHERE uic_code = 'C5'")
    before = texts(database)
    assert run("phones", "--seal").returncode == 0
    sealed = texts(database)
    assert sealed[3] == before[3] and sealed[4] == "" and sealed[5].startswith("siv:")
    opened = run("phones", "--open", PHONE_NUMBERS="clear")
    assert opened.returncode == 1 and "left as they are, unreadable (another salt, a damaged text): 1" in opened.stdout
    assert texts(database) == before


def test_a_number_is_counted_in_the_hour_of_its_first_record(database, run, tmp_path):
    numbers_moved.prepare(database, tmp_path)

    def register_at(name, hour):
        digest = f"decode(md5('{name}'), 'hex')" if database.url.startswith("postgres") else f"'{name}'"
        database.query("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at)"
                       f" VALUES ('{name}', '{NUMBER}', {digest}, '2026-01-01 0{hour}:00:00.000000+00',"
                       f" '2026-01-01 0{hour}:00:00.000000+00')")

    def by_the_hour():
        return [int(row[0]) for row in database.query("SELECT new_phones FROM uic_totals ORDER BY hour")]

    register_at("A", 1)
    assert run("phones", "--seal").returncode == 0 and by_the_hour() == [1]
    register_at("B", 5)  # still in clear, by a server with the old setting
    assert by_the_hour() == [1, 1]
    assert run("phones", "--seal").returncode == 0
    assert by_the_hour() == [1, 0] and len(set(texts(database))) == 1


def test_a_number_with_more_records_than_a_transaction(database, run, tmp_path):
    numbers_moved.prepare(database, tmp_path)
    database.fill(1000)
    database.query(f"UPDATE uic_records SET phone_number = '{NUMBER}' WHERE id > 20 AND id < 1100")
    kept = texts(database)
    sealed = run("phones", "--seal")
    assert f"numbers sealed: {len(set(kept))}" in sealed.stdout, sealed.stderr
    assert [text.startswith("siv:") for text in texts(database)] == [True] * len(kept)
    assert len(set(texts(database))) == len(set(kept))
    assert run("phones", "--open", PHONE_NUMBERS="clear").returncode == 0 and texts(database) == kept


def test_thousands_of_numbers_killed_on_the_way(database, tmp_path):
    numbers_moved.prepare(database, tmp_path)
    database.fill(4000)
    numbers_moved.play(database, tmp_path)


def test_usage(run):
    assert run("phones").returncode == run("phones", "--seal", "--open").returncode == 2
