"""Hidden numbers: a person by number and user id, then by the id alone, is one person: the conversation
goes on, the code is "existing", the limits are hers, and she is erased by either. A number that comes
with another id is somebody else."""

import json
from pathlib import Path

import meta
import pytest
from databases import assert_nowhere, numbers
from number_owners import LUC, OTHER_USER, USER
from phone import Phone, new_number
from processes import eventually
from texts import JEAN, MARIE, code_in, code_of, message, question


@pytest.fixture
def phone(shared):
    with Phone(shared) as somebody:
        somebody.user_id = f"CD.{somebody.number[1:]}"
        yield somebody


def test_the_conversation_goes_on_when_the_number_vanishes(phone):
    for step, said in enumerate(("Bonjour", *JEAN[:4])):
        phone.hidden = step % 2 == 1
        assert question(step) in phone.say(said)
    assert code_in(phone.say(JEAN[4])) == code_of(JEAN)


def test_who_hides_the_number_is_told_what_she_was_told(phone):
    new = phone.say_all("Bonjour", *LUC)
    assert new == message("new_code", code=code_in(new))
    phone.hidden = True
    existing = message("existing_code", code=code_in(new))
    assert phone.say_all("Bonjour", *LUC) == existing
    phone.hidden = False
    assert phone.say_all("Bonjour", *LUC) == existing


def test_what_a_number_asked_before_there_were_ids_is_the_ids(phone):
    user_id, phone.user_id = phone.user_id, None
    code = code_in(phone.say_all("Bonjour", *MARIE))
    phone.user_id = user_id
    existing = message("existing_code", code=code)
    assert phone.say_all("Bonjour", *MARIE) == existing
    phone.hidden = True
    assert phone.say_all("Bonjour", *MARIE) == existing


def test_a_number_with_another_id_is_another_person(phone):
    """Her conversation is her own, and nothing is existing for her."""
    code = code_in(phone.say_all("Bonjour", *JEAN))
    phone.say_all("Bonjour", *MARIE[:2])
    phone.user_id += "2"
    assert question(0) in phone.say("Bonjour")
    assert phone.say_all(*JEAN) == message("new_code", code=code)
    phone.user_id = phone.user_id[:-1]
    assert question(3) in phone.say(MARIE[2])


def test_limits_follow_the_person_and_not_the_number(start):
    server = start(CODES_PER_DAY="1")
    with Phone(server) as somebody:
        somebody.user_id = USER
        code_in(somebody.say_all("Bonjour", *JEAN))
        somebody.hidden = True
        assert somebody.say("Bonjour") == message("too_many")
        somebody.hidden, somebody.user_id = False, OTHER_USER
        assert question(0) in somebody.say("Bonjour")


def from_meta(number, user_id, said, hidden=False):
    return meta.said_as(meta.text(number, said), user_id, hidden)


def test_through_meta_the_reply_goes_to_the_number_while_it_shows(start, redis, graph):
    """And the id of our newest reply is the person's, under whichever name she got it."""
    server = start(**{**meta.SETTINGS, **graph.settings(), "REDIS_URL": redis.url})
    number = meta.new_number()
    with meta.Meta(server) as sender:
        sender.say(from_meta(number, USER, "Bonjour"))
        eventually(lambda: len(graph.got[number]) == 1, "the welcome")
        sender.say(from_meta(number, USER, "1985", hidden=True))
        eventually(lambda: len(graph.got[USER]) == 1, "the second question")
        sender.say(from_meta(number, USER, "Kinshasa"))
        eventually(lambda: len(graph.got[number]) == 2, "the third question")
    assert question(1) in graph.got[USER][0] and question(2) in graph.got[number][1]
    assert len(redis.keys("uic:s:*")) == 1


def test_both_in_the_contact_then_the_id_alone(start, redis):
    """As Meta sends it."""
    server = start(**{**meta.SETTINGS, "REDIS_URL": redis.url})
    fixture = Path(__file__).parents[1] / "data/meta/meta-number-then-user-id.json"
    with meta.Meta(server) as sender:
        for body in json.loads(fixture.read_text()):
            messages = body["entry"][0]["changes"][0]["value"]["messages"]
            messages[0]["timestamp"] = meta.text("1", "")["timestamp"]
            assert sender.send(json.dumps(body).encode())[0] == 200
    assert len(redis.keys("uic:s:*")) == 1


# Erasing

def known_by_both(server):
    """Codes that somebody asked for by number and id, by the id alone, and of somebody else's."""
    with Phone(server, "+243899111333") as other:
        other.user_id = OTHER_USER
        code_in(other.say_all("Bonjour", *MARIE))
    with Phone(server, "+243899111222") as somebody:
        somebody.user_id = USER
        codes = [code_in(somebody.say_all("Bonjour", *JEAN))]
        somebody.hidden = True
        codes.append(code_in(somebody.say_all("Bonjour", *LUC)))
        codes.append(code_in(somebody.say_all("Bonjour", *MARIE)))
        somebody.say("Bonjour")
    return codes


@pytest.mark.parametrize("name", ["+243899111222", USER])
def test_a_person_is_erased_by_either(start, redis, database, erase, name):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    codes = known_by_both(server)
    sessions = len(redis.keys("uic:s:*"))
    dry = erase("--phone", name, "--dry-run")
    done = erase("--phone", name, "--all", "--yes")
    for finished in (dry, done):
        assert finished.returncode == 0, finished.stderr
        assert "records without their number now: 2" in finished.stdout
        assert "records of others that forgot that it asked: 1" in finished.stdout
        assert "conversations forgotten: 1" in finished.stdout
    assert len(redis.keys("uic:s:*")) == sessions - 1
    assert {row[:2] for row in numbers(database)} >= {(codes[0], ""), (codes[1], "")}
    assert database.query("SELECT count(*) FROM uic_records WHERE user_id IS NOT NULL") == [("1",)]
    for trace in ("+243899111222", USER):
        assert_nowhere(trace, database, redis, server)
    with Phone(server, "+243899111222") as again:
        again.user_id = USER
        for person, code in zip((JEAN, LUC, MARIE), codes):
            assert again.say_all("Bonjour", *person) == message("new_code", code=code)


def test_what_is_on_its_way_and_unsent_goes_by_either(start, redis, database, erase):
    start(DATABASE_URL=database.url, REDIS_URL=redis.url).stop()
    away = start(**{**meta.SETTINGS, "DATABASE_URL": "postgresql://uic@127.0.0.1:1/uic",
                    "REDIS_URL": redis.url}, wait_for="/health")
    with meta.Meta(away) as sender:
        for said in ("Bonjour", *JEAN):
            sender.say(from_meta("243899111222", USER, said))
        for said in ("Bonjour", *LUC):
            sender.say(from_meta("243899111222", USER, said, hidden=True))
    away.stop()
    assert redis.command("XLEN", "uic:outbox") == ["2"]
    done = erase("--phone", USER, "--yes", **meta.SETTINGS)
    assert done.returncode == 0, done.stderr
    assert "on their way to the database: 2" in done.stdout
    assert "replies unsent: 12" in done.stdout and meta.waiting(redis) == 0
    again = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    eventually(lambda: len(numbers(database)) == 2, "the outbox is written")
    assert {row[1] for row in numbers(database)} == {""}
    assert database.query("SELECT count(*) FROM uic_records WHERE asked_by IS NOT NULL"
                          " OR user_id IS NOT NULL") == [("0",)]
    for trace in ("+243899111222", USER):
        assert_nowhere(trace, database, redis, again, away)


def test_a_number_of_several_people_is_erased_by_who_is_meant(start, redis, database, erase):
    server = start(DATABASE_URL=database.url, REDIS_URL=redis.url)
    number = new_number()
    with Phone(server, number) as somebody:
        somebody.user_id = USER
        first = code_in(somebody.say_all("Bonjour", *JEAN))
        somebody.user_id = OTHER_USER
        others = [code_in(somebody.say_all("Bonjour", *person)) for person in (MARIE, LUC)]
    refused = erase("--phone", number, "--yes")
    assert refused.returncode == 1 and "--all" in refused.stderr
    assert "(le plus récent / the newest): fiches / records: 2" in refused.stderr
    assert "user id 2: fiches / records: 1" in refused.stderr
    assert {row[1] for row in numbers(database)} == {number}
    done = erase("--phone", OTHER_USER, "--yes")
    assert "records without their number now: 2" in done.stdout, done.stderr
    assert dict(row[:2] for row in numbers(database)) == {first: number, **dict.fromkeys(others, "")}
    with Phone(server, number) as somebody:
        somebody.user_id = OTHER_USER
        somebody.say_all("Bonjour", *MARIE, "Bonjour", *("1970", "Goma", "Paul", "9", "Moke"))
    done = erase("--phone", number, "--all", "--yes")
    assert done.returncode == 0 and "records without their number now: 2" in done.stdout, done.stderr
    assert_nowhere(number, database, redis, server)


# What Meta tells of people who have another number or user id

def test_who_has_another_number_keeps_her_codes(start, redis, database):
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    old, new = "243899111222", "243899111444"
    with Phone(server, "+243899111333") as other:
        code_in(other.say_all("Bonjour", *MARIE))
    with Phone(server, f"+{old}") as somebody:
        somebody.user_id = USER
        codes = [code_in(somebody.say_all("Bonjour", *person)) for person in (JEAN, MARIE)]
    change = meta.system("user_changed_number", old, wa_id=new, user_id=OTHER_USER, previous_user_id=USER)
    with meta.Meta(server) as sender:
        for wrong in ("sha256=" + "0" * 64, ""):
            assert sender.send(meta.request(change), wrong)[0] in (400, 403)
        assert {row[1] for row in numbers(database)} == {"+243899111333", f"+{old}"}
        for _ in range(2):  # and delivered again
            sender.say(change)
        eventually(lambda: server.counts()["uic_meta_moved_total"] >= 1, "it is carried out")
    assert {row[1] for row in numbers(database)} == {"+243899111333", f"+{new}"}
    with Phone(server, f"+{new}") as somebody:
        somebody.user_id = OTHER_USER
        for person, code in zip((JEAN, MARIE), codes):
            assert somebody.say_all("Bonjour", *person) == message("existing_code", code=code)
    with Phone(server, f"+{old}") as stranger:
        stranger.user_id = "CD.9003"
        assert stranger.say_all("Bonjour", *JEAN) == message("new_code", code=codes[0])
    assert meta.waiting(redis) == 0  # nobody is told anything
    assert old not in server.log() and USER not in server.log()


def test_who_hides_the_number_has_another_user_id(start, redis, database):
    server = start(**{**meta.SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url})
    with Phone(server) as somebody:
        somebody.user_id, somebody.hidden = USER, True
        code = code_in(somebody.say_all("Bonjour", *JEAN))
        with meta.Meta(server) as sender:
            sender.say(meta.system("user_changed_user_id", user_id=OTHER_USER, previous_user_id=USER))
        eventually(lambda: server.counts()["uic_meta_moved_total"] == 1, "it is carried out")
        somebody.user_id = OTHER_USER
        assert somebody.say_all("Bonjour", *JEAN) == message("existing_code", code=code)
        somebody.user_id = USER
        assert somebody.say_all("Bonjour", *JEAN) == message("new_code", code=code)


def test_a_change_comes_again_while_the_database_is_away(start, redis):
    away = start(**{**meta.SETTINGS, "DATABASE_URL": "postgresql://uic@127.0.0.1:1/uic",
                    "REDIS_URL": redis.url}, wait_for="/health")
    with meta.Meta(away) as sender:
        change = meta.system("user_changed_user_id", user_id=OTHER_USER, previous_user_id=USER)
        assert sender.send(meta.request(change))[0] == 503
