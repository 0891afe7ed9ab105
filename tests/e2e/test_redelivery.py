"""A message counts once, however often the provider delivers it."""

from phone import Phone, new_sid
from texts import JEAN, code_in, question


def test_the_last_message_again_gets_the_same_reply_and_no_step_forward(phone):
    phone.say("Bonjour")
    reply = phone.say("1985")
    for _ in range(3):
        assert phone.say("1985", sid=phone.last_sid) == reply
    assert question(2) in phone.say("Kinshasa")


def test_the_greeting_again_gets_the_same_welcome(phone):
    welcome = phone.say("Bonjour")
    assert phone.say("Bonjour", sid=phone.last_sid) == welcome
    assert question(1) in phone.say("1985")


def test_an_older_message_again_gets_an_empty_response(phone):
    sids = []
    for text in ("Bonjour", "1985", "Kinshasa", "Jean"):
        phone.say(text)
        sids.append(phone.last_sid)
    for sid in sids[:-1]:
        assert phone.say("whatever it said", sid=sid) == ""
    assert question(4) in phone.say("15")


def test_every_message_of_a_session_is_remembered(phone):
    phone.say("Bonjour")
    sids = []
    for _ in range(18):
        phone.say("not a year")
        sids.append(phone.last_sid)
    for sid in sids[:-1]:
        assert phone.say("1985", sid=sid) == ""
    assert question(0) in phone.say("1985", sid=sids[-1])


def test_the_last_answer_again_gets_its_code_again_and_is_not_counted(start):
    server = start()
    with Phone(server) as phone:
        reply = phone.say_all("Bonjour", *JEAN)
        code = code_in(reply)
        before = server.records()
        for _ in range(3):
            assert phone.say(JEAN[-1], sid=phone.last_sid) == reply
    assert server.records() == before
    assert [(row["uic_code"], row["request_count"]) for row in before] == [(code, 1)]


def test_a_redelivered_existing_code_is_not_counted_either(start):
    server = start()
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
        reply = phone.say_all("Bonjour", *JEAN)
        assert phone.say(JEAN[-1], sid=phone.last_sid) == reply
    assert [row["request_count"] for row in server.records()] == [2]


def test_the_same_id_from_another_number_is_another_message(shared):
    sid = new_sid()
    with Phone(shared) as one, Phone(shared) as other:
        assert one.say("Bonjour", sid=sid) == other.say("Bonjour", sid=sid)
        assert question(1) in one.say("1985")
        assert question(1) in other.say("1985")


def test_a_redelivery_on_another_connection_is_known(shared):
    with Phone(shared) as phone, Phone(shared, phone.number) as again:
        phone.say("Bonjour")
        reply = phone.say("1985")
        assert again.say("1985", sid=phone.last_sid) == reply
        assert question(2) in again.say("Kinshasa")


def test_a_counted_answer_whose_session_was_not_saved_is_not_counted_again(start, redis):
    server = start(REDIS_URL=redis.url)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN[:4])
        (session,) = redis.keys("uic:s:*")
        redis.command("COPY", session, "before")
        reply = phone.say(JEAN[4])
        redis.command("COPY", "before", session, "REPLACE")
        assert phone.say(JEAN[4], sid=phone.last_sid) == reply
    assert [row["request_count"] for row in server.records()] == [1]
