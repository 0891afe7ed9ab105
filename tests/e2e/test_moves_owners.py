"""Whose is what a number registered alone, when people move to it and away: of whose user id came with it first, and
of nobody who moved to it. Seen by who is told « existing », and by what an erasure takes."""

import meta
import pytest
from databases import numbers
from number_owners import (LUC, NUMBER, OTHER, OTHER_USER, THIRD, USER, asked, carried_out, hidden, id_changed,
                           move, number_changed)
from processes import run_program
from texts import JEAN, MARIE, code_in, message

PAUL = ("1977", "Boma", "Paul", "9", "Ngoyi")
ZOLA = ("1950", "Goma", "Zola", "4", "Mukendi")
THIRD_USER, FOURTH = "CD.3333333333", "+243899000004"
HOUR = 3600


@pytest.fixture
def server(start, redis, database):
    return start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})


def long_ago(database):
    """What is there was registered and linked on an earlier day."""
    at = "2026-01-01 10:00:00.000000"
    database.query(f"UPDATE uic_records SET created_at = '{at}', last_requested_at = '{at}'")
    database.query("UPDATE uic_links SET since = '2026-01-01'")


def erased(erase, who):
    done = erase("--phone", who, "--delete", "--yes")
    assert done.returncode == 0, done.stderr


def codes(database):
    return [row[0] for row in numbers(database)]


@pytest.fixture
def next_owner(server, database):
    """PAUL is USER's, who moves away; MARIE is OTHER_USER's, who has the number since."""
    paul = code_in(asked(server, NUMBER, None, PAUL)[0])
    jean = code_in(asked(server, NUMBER, USER, JEAN)[0])
    long_ago(database)
    marie = code_in(asked(server, NUMBER, OTHER_USER, MARIE)[0])
    move(server, (NUMBER, THIRD, USER))
    return paul, jean, marie


def test_the_next_owner_of_her_old_number_inherits_nothing(server, database, erase, next_owner):
    paul, jean, _ = next_owner
    assert asked(server, NUMBER, OTHER_USER, PAUL) == [message("new_code", code=paul)]
    erased(erase, OTHER_USER)
    assert codes(database) == [paul, jean]


def test_nor_does_who_comes_with_the_number_alone(server, next_owner):
    """What she asked for with it alone is nobody's: neither told as known, nor asked about."""
    assert asked(server, NUMBER, None, PAUL, ("1978", *PAUL[1:]))[0] == message("new_code", code=next_owner[0])


def test_what_she_registered_alone_goes_with_her(server, database, erase, next_owner):
    erased(erase, USER)
    assert codes(database) == [next_owner[2]]


@pytest.mark.parametrize("order", [1, -1])
def test_two_who_swap_their_numbers_keep_what_is_theirs(server, database, erase, order):
    paul, luc = (code_in(asked(server, number, None, person)[0]) for number, person in ((NUMBER, PAUL), (OTHER, LUC)))
    marie = code_in(asked(server, NUMBER, USER, MARIE)[0])
    jean = code_in(asked(server, OTHER, OTHER_USER, JEAN)[0])
    long_ago(database)
    move(server, *[(NUMBER, OTHER, USER), (OTHER, NUMBER, OTHER_USER)][::order])
    assert asked(server, OTHER, USER, PAUL, LUC) == [message("existing_code", code=paul), message("new_code", code=luc)]
    erased(erase, USER)
    assert sorted(codes(database)) == sorted([luc, jean]) and marie not in codes(database)


@pytest.mark.parametrize("days", [1, 2])
def test_who_wrote_with_her_new_id_before_it_was_told_is_first_still(server, database, erase, days):
    paul = code_in(asked(server, NUMBER, None, PAUL)[0])
    asked(server, NUMBER, USER, JEAN)
    zola = code_in(asked(server, NUMBER, None, ZOLA)[0])
    if days == 2:
        long_ago(database)
    asked(server, NUMBER, OTHER_USER, MARIE)
    asked(server, NUMBER, THIRD_USER, LUC)
    id_changed(server, NUMBER, USER, THIRD_USER)
    erased(erase, OTHER_USER)
    assert paul in codes(database)
    erased(erase, THIRD_USER)
    assert codes(database) == [zola]


def test_who_moved_and_has_another_id_on_one_day_inherits_nothing(server, database, erase):
    paul = code_in(asked(server, THIRD, None, PAUL)[0])
    asked(server, NUMBER, USER, JEAN)
    move(server, (NUMBER, THIRD, USER))
    asked(server, THIRD, OTHER_USER, MARIE)
    id_changed(server, THIRD, USER, OTHER_USER)
    assert asked(server, THIRD, OTHER_USER, PAUL) == [message("new_code", code=paul)]
    erased(erase, OTHER_USER)
    assert codes(database) == [paul]


def test_what_the_number_registers_alone_when_her_id_is_known_is_nobodys(server, database, erase):
    """It is not told as hers, does not move with her, is not erased with her, and not its next owner's."""
    asked(server, NUMBER, USER, JEAN)
    luc = code_in(asked(server, NUMBER, None, LUC)[0])
    assert asked(server, NUMBER, USER, ZOLA, LUC)[1] == message("new_code", code=luc)
    move(server, (NUMBER, THIRD, USER))
    erased(erase, USER)
    assert codes(database) == [luc]
    assert asked(server, NUMBER, OTHER_USER, PAUL, LUC)[1] == message("new_code", code=luc)
    erased(erase, OTHER_USER)
    assert codes(database) == [luc]


@pytest.fixture
def former_owner(server, database):
    """PAUL is whoever's had the number to which USER moves."""
    paul = code_in(asked(server, THIRD, None, PAUL)[0])
    asked(server, NUMBER, USER, JEAN)
    long_ago(database)
    move(server, (NUMBER, THIRD, USER))
    return paul


def test_who_moves_to_a_number_inherits_nothing(server, database, erase, former_owner):
    assert asked(server, THIRD, USER, PAUL) == [message("new_code", code=former_owner)]
    erased(erase, USER)
    assert codes(database) == [former_owner]


def test_nor_does_who_comes_when_she_is_erased(server, erase, former_owner):
    erased(erase, USER)
    assert asked(server, THIRD, OTHER_USER, PAUL) == [message("new_code", code=former_owner)]


def test_who_was_first_is_first_when_she_is_erased_again(server, database, erase, tmp_path):
    """By `erase --again` on an old backup, in which somebody else was erased from the number."""
    asked(server, NUMBER, USER, MARIE)
    paul = code_in(asked(server, NUMBER, None, PAUL)[0])
    asked(server, NUMBER, OTHER_USER, JEAN)
    asked(server, OTHER, None, ZOLA)
    asked(server, NUMBER, THIRD_USER, LUC)
    erased(erase, THIRD_USER)
    database.query("CREATE TABLE links_before AS SELECT * FROM uic_links")
    erased(erase, USER)
    database.query("DELETE FROM uic_links")
    database.query("INSERT INTO uic_links SELECT * FROM links_before")
    done = run_program("erase", "--again", "--yes", cwd=tmp_path, DATABASE_URL=database.url)
    assert done.returncode == 0, done.stderr
    erased(erase, OTHER_USER)
    assert paul in codes(database)


# What was asked for of others' records, with a number alone

def test_what_a_former_owner_asked_for_does_not_go_on_with_who_moved_there(server, database):
    luc = code_in(asked(server, OTHER, None, LUC)[0])
    asked(server, THIRD, None, LUC)
    asked(server, NUMBER, USER, JEAN)
    long_ago(database)
    move(server, (NUMBER, THIRD, USER), (THIRD, FOURTH, USER))
    assert asked(server, FOURTH, USER, LUC) == [message("new_code", code=luc)]


def test_nor_what_the_number_asked_for_when_her_id_was_known(server):
    asked(server, NUMBER, USER, JEAN)
    luc = code_in(asked(server, NUMBER, None, LUC)[0])
    move(server, (NUMBER, THIRD, USER))
    assert asked(server, THIRD, USER, LUC) == [message("new_code", code=luc)]


@pytest.mark.parametrize("again", ["another", "herself"])
def test_what_she_asked_for_is_not_the_next_owners_who_ever_asks_before_it_is_told(server, database, again):
    luc = code_in(asked(server, OTHER, None, LUC)[0])
    asked(server, NUMBER, None, LUC)
    asked(server, NUMBER, USER, JEAN)
    long_ago(database)
    if again == "another":
        asked(server, OTHER, None, LUC)
    else:
        hidden(server, USER, LUC)  # under her new number, which she hides
    carried_out(server, number_changed(HOUR, previous_user_id=USER, user_id=USER))
    assert asked(server, NUMBER, OTHER_USER, LUC) == [message("new_code", code=luc)]


# Who never came with her number and her id together

@pytest.fixture(params=["hidden", "alone"])
def unlinked(server, request):
    """PAUL is whoever's had the number to which USER moves; JEAN is hers."""
    paul = code_in(asked(server, THIRD, None, PAUL)[0])
    jean = code_in((hidden(server, USER, JEAN) if request.param == "hidden" else asked(server, NUMBER, None, JEAN))[0])
    carried_out(server, number_changed(previous_user_id=USER, user_id=USER))
    return paul, jean


def test_she_inherits_nothing_either(server, unlinked):
    paul, jean = unlinked
    assert asked(server, THIRD, USER, JEAN, PAUL) == [message("existing_code", code=jean),
                                                      message("new_code", code=paul)]


def test_nor_takes_her_erasure_what_is_anothers(server, database, erase, unlinked):
    asked(server, THIRD, USER, MARIE)
    erased(erase, USER)
    assert codes(database) == [unlinked[0]]


def test_who_hid_it_is_erased_by_the_number_that_was_told(server, database, erase):
    hidden(server, USER, JEAN)
    carried_out(server, number_changed(previous_user_id=USER, user_id=USER))
    done = erase("--phone", THIRD, "--all", "--delete", "--yes")
    assert done.returncode == 0, done.stderr
    assert codes(database) == []
