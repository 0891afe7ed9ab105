"""Who only asked for what others registered, or hid her number first and showed it later, is found by
either name, and nothing is left of her: number and user id are linked where no record says it."""

import pytest
from databases import assert_nowhere, numbers
from number_owners import OTHER_USER, USER, asked
from phone import Phone
from processes import eventually, run_program
from texts import JEAN, MARIE, code_in, code_of, message

NUMBER, SECOND = "+243899111222", "+243899111777"
PAUL, LUC = ("1979", "Matadi", "Paul", "3", "Mbuyi"), ("1991", "Boma", "Luc", "9", "Ilunga")
GRACE = ("1988", "Bunia", "Grace", "21", "Lokwa")
BYTES = {"sqlite:/": "", "postgres": "::bytea"}
# One is of who registered MARIE.
LINKS = "SELECT count(*) FROM uic_links"


@pytest.fixture
def server(start, redis, database):
    running = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    with Phone(running, "+243899111333") as other:
        other.user_id = OTHER_USER
        code_in(other.say_all("Bonjour", *MARIE))
    return running


def erased(erase, name):
    """What a dry run and an erasure say, the same."""
    dry = erase("--phone", name, "--dry-run", "--all")
    done = erase("--phone", name, "--all", "--yes")
    assert (dry.returncode, done.returncode) == (0, 0), dry.stderr + done.stderr
    assert dry.stdout.split("done:\n")[1].split("note")[0] in done.stdout
    return done.stdout


@pytest.mark.parametrize("name", [NUMBER, USER])
def test_who_only_asked_for_others_is_erased_by_either(server, redis, database, erase, name):
    with Phone(server, NUMBER) as somebody:
        somebody.user_id = USER
        assert somebody.say_all("Bonjour", *MARIE) == message("new_code", code=code_of(MARIE))
    assert database.query(LINKS) == [("2",)]
    assert "records of others that forgot that it asked: 1" in erased(erase, name)
    assert database.query(LINKS) == [("1",)]
    for trace in (NUMBER, USER):
        assert_nowhere(trace, database, redis, server)
    with Phone(server, NUMBER) as again:
        again.user_id = USER
        assert again.say_all("Bonjour", *MARIE) == message("new_code", code=code_of(MARIE))


@pytest.mark.parametrize("name", [NUMBER, USER])
def test_who_hid_first_is_erased_by_the_number_that_she_showed_later(server, redis, database,
                                                                     erase, name):
    with Phone(server, NUMBER) as somebody:
        somebody.user_id, somebody.hidden = USER, True
        code = code_in(somebody.say_all("Bonjour", *JEAN))
        somebody.hidden = False
        assert somebody.say_all("Bonjour", *JEAN) == message("existing_code", code=code)
    assert "records without their number now: 1" in erased(erase, name)
    assert dict(row[:2] for row in numbers(database))[code] == ""
    assert database.query(LINKS) == [("1",)]
    for trace in (NUMBER, USER):
        assert_nowhere(trace, database, redis, server)


def test_what_a_number_had_before_there_were_ids_is_found_by_the_id(server, redis, database, erase):
    with Phone(server, NUMBER) as somebody:
        code = code_in(somebody.say_all("Bonjour", *JEAN))
        somebody.user_id = USER
        code_in(somebody.say_all("Bonjour", *MARIE))
    said = erased(erase, USER)
    assert "records without their number now: 1" in said
    assert "records of others that forgot that it asked: 1" in said
    assert dict(row[:2] for row in numbers(database))[code] == ""
    assert database.query(LINKS) == [("1",)]
    for trace in (NUMBER, USER):
        assert_nowhere(trace, database, redis, server)


def test_a_number_that_two_people_asked_by_wants_to_know_who_is_meant(server, database, erase):
    """And erasing the one leaves the other's link, and that somebody had the number before."""
    with Phone(server, NUMBER) as somebody:
        for user in (USER, "CD.9003"):
            somebody.user_id = user
            code_in(somebody.say_all("Bonjour", *MARIE))
    refused = erase("--phone", NUMBER, "--yes")
    assert refused.returncode == 1 and "--all" in refused.stderr
    assert "user id 2: fiches / records: 0, depuis le / since 20" in refused.stderr
    assert "forgot that it asked: 1" in erased(erase, USER)
    assert database.query(LINKS) == [("3",)]
    assert "forgot that it asked: 1" in erased(erase, NUMBER)
    assert database.query(LINKS) == [("1",)]


@pytest.mark.parametrize("mode", ["clear", "sealed"])
@pytest.mark.parametrize("name", [NUMBER, SECOND, USER])
def test_who_had_two_numbers_is_found_whole_by_each(start, redis, database, erase, tmp_path,
                                                            name, mode):
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url, "PHONE_NUMBERS": mode}
    server = start(**settings)
    with Phone(server, "+243899111333") as other:
        other.user_id = OTHER_USER
        code_in(other.say_all("Bonjour", *MARIE))
    codes = []
    for number, answers in ((NUMBER, JEAN), (SECOND, PAUL)):
        with Phone(server, number) as somebody:
            codes.append(code_in(somebody.say_all("Bonjour", *answers)))
            somebody.user_id = USER
            code_in(somebody.say_all("Bonjour", *MARIE))
    with Phone(server, SECOND) as somebody:
        somebody.user_id, somebody.hidden = USER, True
        codes.append(code_in(somebody.say_all("Bonjour", *LUC)))
    shown = run_program("records", "--phone", name, "--all", cwd=tmp_path, **settings)
    assert shown.returncode == 0 and "fiches à ce numéro\u00a0: 3" in shown.stdout, shown.stderr
    assert [code in shown.stdout for code in codes] == [True] * 3
    said = erased(erase, name)
    assert "records without their number now: 3" in said
    assert "records of others that forgot that it asked: 1" in said
    kept = dict(row[:2] for row in numbers(database))
    assert [kept[code] for code in codes] == [""] * 3
    assert database.query(LINKS) == [("1",)]
    for trace in (NUMBER, SECOND, USER):
        assert_nowhere(trace, database, redis, server)


# What is nobody else's to erase, nor to inherit


def kept(database):
    return dict(row[:2] for row in numbers(database))


def by_hand(database, code, phone, answers="h1"):
    """A record as somebody wrote it with SQL."""
    database.query("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at)"
                   f" VALUES ('{code}', {phone}, '{answers}', '2026-01-01', '2026-01-01')")


def test_what_a_number_registers_alone_after_an_id_came_is_its_next_owners(server, database, erase):
    first, second = (code_in(asked(server, number, USER, person)[0])
                     for number, person in ((NUMBER, JEAN), (SECOND, PAUL)))
    others = code_in(asked(server, SECOND, None, LUC)[0])
    assert "records without their number now: 2" in erased(erase, USER)
    assert [kept(database)[code] for code in (first, second, others)] == ["", "", SECOND]


def test_who_gets_the_id_of_a_deleted_record_is_not_erased_with_the_first_owner(server, database, erase):
    """SQLite gives the newest ones out again."""
    alone = code_in(asked(server, NUMBER, None, JEAN)[0])
    newest = code_in(asked(server, SECOND, None, LUC)[0])
    asked(server, NUMBER, USER, MARIE)
    assert "codes deleted: 1" in erase("--code", newest, "--delete", "--yes").stdout
    others = code_in(asked(server, NUMBER, None, PAUL)[0])
    assert "records without their number now: 1" in erased(erase, USER)
    assert [kept(database)[code] for code in (alone, others)] == ["", NUMBER]


def test_the_next_owner_of_a_number_inherits_nothing_of_who_is_erased(server, database, erase):
    alone = code_in(asked(server, NUMBER, None, JEAN)[0])
    asked(server, NUMBER, USER, MARIE)
    others = code_in(asked(server, NUMBER, OTHER_USER, LUC)[0])
    erased(erase, USER)
    assert [kept(database)[code] for code in (alone, others)] == ["", NUMBER]
    between = code_in(asked(server, NUMBER, None, PAUL)[0])
    assert asked(server, NUMBER, OTHER_USER, JEAN, PAUL) == [message("new_code", code=code)
                                                             for code in (alone, between)]
    assert asked(server, NUMBER, OTHER_USER, LUC) == [message("existing_code", code=others)]


def test_what_is_no_number_is_nobodys(server, database, erase):
    """An operator's own words, a text longer than any number."""
    asked(server, NUMBER, None, PAUL)
    asked(server, NUMBER, USER, MARIE)
    code = code_in(asked(server, NUMBER, USER, JEAN)[0])
    by_hand(database, "X1", "'supprimé'")
    by_hand(database, "X2", "'" + "9" * 500 + "'", "h2")
    database.query(f"UPDATE uic_records SET phone_number = 'supprimé', notes = 'supprimé' WHERE uic_code = '{code}'")
    assert "records without their number now: 2" in erased(erase, USER)
    assert kept(database)["X1"] == "supprimé" and kept(database)["X2"] == "9" * 500
    assert database.query(f"SELECT notes FROM uic_records WHERE uic_code = '{code}'") == [("supprimé",)]


def test_who_asked_longest_ago_is_erased_where_no_record_remembers_her(server, redis, database, erase):
    asked(server, NUMBER, USER, MARIE)
    for i in range(17):
        asked(server, f"+2438112233{i:02}", f"CD.33{i}", MARIE)
    redis.command("FLUSHALL")
    before = int(database.query(LINKS)[0][0])
    erased(erase, USER)
    assert database.query(LINKS) == [(str(before - 1),)]
    assert database.query("SELECT count(*) FROM uic_audit") == [("1",)]


def test_what_an_older_backup_brings_back_is_erased_as_it_was(server, database, erase):
    """What numbers of hers registered alone goes again; what their next owners did stays."""
    alone = code_in(asked(server, NUMBER, None, JEAN)[0])
    asked(server, NUMBER, USER, MARIE)
    code_in(asked(server, SECOND, USER, PAUL)[0])
    others = code_in(asked(server, SECOND, None, LUC)[0])
    code_in(asked(server, NUMBER, OTHER_USER, GRACE)[0])
    before = database.query("SELECT uic_code, phone_number, user_id FROM uic_records")
    links = database.query("SELECT number, user_id, since, up_to FROM uic_links")
    erased(erase, USER)
    after = sorted(numbers(database))
    for code, number, user_id in before:
        database.query(f"UPDATE uic_records SET phone_number = '{number}', created_at = '2026-01-01',"
                       f" user_id = nullif('{user_id or ''}', ''){BYTES[database.url[:8]]} WHERE uic_code = '{code}'")
    database.query("DELETE FROM uic_links")
    for link in links:
        database.query("INSERT INTO uic_links VALUES ('{}', '{}', '{}', {})".format(*link))
    assert erase("--again").returncode == 0
    assert sorted(numbers(database)) == after
    assert dict(row[:2] for row in after)[alone] == "" and dict(row[:2] for row in after)[others] == SECOND
    assert asked(server, NUMBER, OTHER_USER, JEAN) == [message("new_code", code=alone)]


def test_the_second_owner_of_a_number_takes_it_out_of_her_own_notes(server, database, erase):
    first, second = (code_in(asked(server, NUMBER, user, person)[0])
                     for user, person in ((USER, JEAN), (OTHER_USER, LUC)))
    database.query(f"UPDATE uic_records SET notes = 'rappeler {NUMBER}'")
    erased(erase, OTHER_USER)
    notes = dict(database.query("SELECT uic_code, notes FROM uic_records"))
    assert (notes[first], notes[second].strip()) == (f"rappeler {NUMBER}", "rappeler")


def test_erasing_the_first_owner_leaves_what_the_next_one_has_in_the_outbox(start, redis, database,
                                                                            erase):
    settings = {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
    server = start(**settings)
    first = code_in(asked(server, NUMBER, USER, JEAN)[0])
    server.stop()
    away = start(**{**settings, "DATABASE_URL": "postgresql://uic@127.0.0.1:1/uic"}, wait_for="/health")
    second = code_in(asked(away, NUMBER, OTHER_USER, LUC)[0])
    away.stop()
    assert erase("--phone", USER, "--yes").returncode == 0
    start(**settings)
    eventually(lambda: kept(database) == {first: "", second: NUMBER}, "it is written, whole")
