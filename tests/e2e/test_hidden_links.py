"""Who only asked for what others registered, or hid her number first and showed it later, is found by
either name, and nothing is left of her: number and user id are linked where no record says it."""

import pytest
from phone import Phone
from processes import run_program
from test_erase import assert_nowhere, database, erase, numbers  # noqa: F401 (fixtures)
from texts import JEAN, MARIE, code_in, code_of, message

NUMBER, SECOND, USER, OTHER_USER = "+243899111222", "+243899111777", "CD.9001", "CD.9002"
PAUL, LUC = ("1979", "Matadi", "Paul", "3", "Mbuyi"), ("1991", "Boma", "Luc", "9", "Ilunga")
# One is of who registered MARIE.
LINKS = "SELECT count(*) FROM uic_links"


@pytest.fixture
def server(start, redis, database):  # noqa: F811
    running = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    with Phone(running, "+243899111333") as other:
        other.user_id = OTHER_USER
        code_in(other.say_all("Bonjour", *MARIE))
    return running


def erased(erase, name):  # noqa: F811
    """What a dry run and an erasure say, the same."""
    dry = erase("--phone", name, "--dry-run", "--all")
    done = erase("--phone", name, "--all", "--yes")
    assert (dry.returncode, done.returncode) == (0, 0), dry.stderr + done.stderr
    assert dry.stdout.split("done:\n")[1].split("note")[0] in done.stdout
    return done.stdout


@pytest.mark.parametrize("name", [NUMBER, USER])
def test_who_only_asked_for_others_is_erased_by_either(server, redis, database, erase, name):  # noqa: F811
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
def test_who_hid_first_is_erased_by_the_number_that_she_showed_later(server, redis, database,  # noqa: F811
                                                                     erase, name):  # noqa: F811
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


def test_what_a_number_had_before_there_were_ids_is_found_by_the_id(server, redis, database, erase):  # noqa: F811
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


def test_a_number_that_two_people_asked_by_wants_to_know_who_is_meant(server, database, erase):  # noqa: F811
    """And erasing the one leaves the other's link."""
    with Phone(server, NUMBER) as somebody:
        for user in (USER, "CD.9003"):
            somebody.user_id = user
            code_in(somebody.say_all("Bonjour", *MARIE))
    refused = erase("--phone", NUMBER, "--yes")
    assert refused.returncode == 1 and "--all" in refused.stderr
    assert "user id 2: fiches / records: 0, depuis le / since 20" in refused.stderr
    assert "forgot that it asked: 1" in erased(erase, USER)
    assert database.query(LINKS) == [("2",)]
    assert "forgot that it asked: 1" in erased(erase, NUMBER)
    assert database.query(LINKS) == [("1",)]


@pytest.mark.parametrize("mode", ["clear", "sealed"])
@pytest.mark.parametrize("name", [NUMBER, SECOND, USER])
def test_who_had_two_numbers_is_found_whole_by_each(start, redis, database, erase, tmp_path,
                                                            name, mode):  # noqa: F811
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
