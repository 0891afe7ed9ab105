"""What Meta tells of new numbers and user ids: however many at once, all are carried out, in order; what is told
late takes nothing that came after it; and of whom the new id is not told nobody else inherits."""

import time

import meta
import pytest
from databases import assert_nowhere, numbers
from number_owners import LUC, NUMBER, OTHER_USER, THIRD, USER, asked, hidden, number_changed
from processes import eventually
from texts import JEAN, MARIE, code_in, message

MANY = 300
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def server(start, redis, database):
    return start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})


def test_however_many_come_at_once_all_are_carried_out(server, database):
    rows = ", ".join(f"('code {i}', '+24381{i:07}', {at}, '2026-01-01', '2026-01-01')"
                     for i, at in ((i, f"'hash {i}'") for i in range(MANY)))
    database.query("INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at)"
                   f" VALUES {rows}")
    changes = [number_changed(old=f"+24381{i:07}", new=f"+24382{i:07}", previous_user_id=f"CD.1{i}",
                              user_id=f"CD.2{i}") for i in range(MANY)]
    with meta.Meta(server) as sender, meta.Meta(server) as other:
        sender.say(*changes)
        assert {row[1] for row in numbers(database)} == {f"+24382{i:07}" for i in range(MANY)}
        other.say(*changes, meta.text("243899000009", "Bonjour"))
    eventually(lambda: server.counts()["uic_meta_moved_total"] >= MANY, "what others remember, too")
    assert server.counts()["uic_messages_total"] == 1


def test_several_changes_of_one_person_are_carried_out_in_their_order(server, database):
    code = code_in(asked(server, NUMBER, USER, JEAN)[0])
    names = [USER, *(f"CD.77{i}" for i in range(5))]
    changes = [{**meta.system("user_changed_user_id", previous_user_id=before, user_id=after),
                "timestamp": str(int(time.time()) - 100 + i)}
               for i, (before, after) in enumerate(zip(names, names[1:]))]
    with meta.Meta(server) as sender:
        sender.say(*reversed(changes))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == len(changes), "all are carried out")
        sender.say(*changes)  # known: nothing is done again
    assert asked(server, NUMBER, names[-1], JEAN) == [message("existing_code", code=code)]
    assert server.counts()["uic_meta_moved_total"] == len(changes)


# Told late

def test_a_change_that_is_told_late_takes_nothing_of_the_numbers_next_owner(server, database):
    """Who writes with the number alone, since somebody else has it."""
    jean = code_in(asked(server, NUMBER, USER, JEAN)[0])
    luc = code_in(asked(server, NUMBER, None, LUC)[0])
    with meta.Meta(server) as sender:
        sender.say(number_changed(HOUR, previous_user_id=USER, user_id=OTHER_USER))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
    assert dict(row[:2] for row in numbers(database)) == {jean: THIRD, luc: NUMBER}
    assert asked(server, NUMBER, None, LUC) == [message("existing_code", code=luc)]
    assert asked(server, THIRD, OTHER_USER, JEAN, LUC) == [message("existing_code", code=jean),
                                                           message("new_code", code=luc)]


def test_a_change_counts_as_long_as_meta_tells_it_again(server, database):
    """A week; later only somebody else would."""
    asked(server, NUMBER, USER, JEAN)
    ids = {"previous_user_id": USER, "user_id": OTHER_USER}
    with meta.Meta(server) as sender:
        for days, number in ((9, NUMBER), (7, THIRD)):
            sender.say(meta.text("243899000009", "Bonjour"), number_changed(days * DAY, **ids))
            assert [row[1] for row in numbers(database)] == [number]
    assert server.counts()['uic_meta_ignored_total{reason="old"}'] == 1


def test_a_change_that_was_undone_is_not_carried_out_by_another_instance(start, redis, database):
    settings = {**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url}
    one, other = start(**settings), start(**settings)
    code = code_in(asked(one, NUMBER, USER, JEAN)[0])
    there = number_changed(30, previous_user_id=USER, user_id=OTHER_USER)
    back = number_changed(20, old=THIRD, new=NUMBER, previous_user_id=OTHER_USER, user_id=USER)
    with meta.Meta(one) as sender, meta.Meta(other) as again:
        for count, change in enumerate((there, back), 1):
            sender.say(change)
            eventually(lambda: one.counts()["uic_meta_moved_total"] == count, "it is carried out")
        again.say(there, back, meta.text("243899000009", "Bonjour"))
    assert [row[1] for row in numbers(database)] == [NUMBER]
    assert asked(other, NUMBER, USER, JEAN) == [message("existing_code", code=code)]


# Who had the number that she moves to

@pytest.mark.parametrize("days", [("2020-01-01", "2021-01-01"), None])
def test_whose_number_it_was_first_stays_the_first_when_somebody_moves_to_it(server, database, erase, days):
    """However long ago she came with her old one, or on that day: what the number registered alone is not hers."""
    asked(server, NUMBER, USER, MARIE)
    if days:
        database.query(f"UPDATE uic_links SET since = '{days[0]}'")
    alone = code_in(asked(server, THIRD, None, JEAN)[0])
    asked(server, THIRD, OTHER_USER, MARIE)
    if days:
        database.query(f"UPDATE uic_links SET since = '{days[1]}' WHERE since <> '{days[0]}'")
    with meta.Meta(server) as sender:
        sender.say(number_changed(previous_user_id=USER, user_id="CD.71"))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
    done = erase("--phone", OTHER_USER, "--yes")
    assert "records without their number now: 1" in done.stdout, done.stderr
    assert dict(row[:2] for row in numbers(database))[alone] == ""


def test_who_writes_from_her_new_number_before_she_moves_takes_nothing_of_it(server, database, erase):
    """Meta may tell of it a week late."""
    asked(server, NUMBER, USER, MARIE)
    alone = code_in(asked(server, THIRD, None, JEAN)[0])
    hers = code_in(asked(server, THIRD, "CD.71", LUC)[0])
    with meta.Meta(server) as sender:
        sender.say(number_changed(previous_user_id=USER, user_id="CD.71"))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
    erase("--phone", "CD.71", "--yes")
    kept = dict(row[:2] for row in numbers(database))
    assert kept[alone] != "" and kept[hers] == ""


# The new user id is not told

def test_whose_new_id_is_not_told_is_nobodys_and_erased_by_her_number(server, redis, database, erase):
    """Wherever she asked: by the number before it had an id, by both, by the id alone."""
    codes = [code_in(reply) for reply in (*asked(server, NUMBER, None, LUC), *asked(server, NUMBER, USER, JEAN),
                                          *hidden(server, USER, MARIE))]
    new = [message("new_code", code=code) for code in codes]
    with meta.Meta(server) as sender:
        sender.say(number_changed(previous_user_id=USER))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
    assert {row[1] for row in numbers(database)} == {THIRD}
    for number, user_id in ((NUMBER, "CD.71"), (NUMBER, None), (THIRD, "CD.72"), (THIRD, None)):
        assert asked(server, number, user_id, LUC, JEAN, MARIE) == new
    done = erase("--phone", THIRD, "--all", "--yes")
    assert "records without their number now: 3" in done.stdout, done.stderr
    assert_nowhere(THIRD, database, redis, server)
    assert_nowhere(USER, database, redis, server)
