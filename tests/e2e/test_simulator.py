"""The simulator's half of the server: messages from a chat page, and time that passes on request."""

import http.client
from urllib.parse import urlencode

import pytest
from phone import FORM, Phone
from texts import JEAN, code_in, code_of, message, question

MESSAGE = "/simulator/message"
LATER = "/simulator/later"


def post(server, path, form):
    connection = server.connect()
    connection.request("POST", path, urlencode(form), {"Content-Type": FORM})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def simulated(server, number=None):
    return Phone(server, number, path=MESSAGE)


def fifteen_minutes_later(server, phone):
    status, body = post(server, LATER, {"From": f"whatsapp:{phone.number}"})
    assert (status, body) == (204, b"")


@pytest.fixture(params=["memory", "redis"])
def development(start, redis, request):
    return start(**({"REDIS_URL": redis.url} if request.param == "redis" else {}))


def test_a_simulated_phone_speaks_with_the_same_server_as_a_real_one(development):
    with simulated(development) as page:
        page.say_all("Bonjour", *JEAN[:2])
        with Phone(development, page.number) as real:
            assert code_in(real.say_all(*JEAN[2:])) == code_of(JEAN)


def test_messages_of_the_page_need_no_signature(start):
    server = start(TWILIO_AUTH_TOKEN="0123456789abcdef0123456789abcdef", PUBLIC_URL="https://ciu.example.org")
    form = urlencode({"From": "whatsapp:+243810000000", "Body": "Bonjour"})
    connection = server.connect()
    connection.request("POST", MESSAGE, form, {"Content-Type": FORM})
    assert connection.getresponse().status == 200
    connection.close()


def test_fifteen_minutes_later_the_session_has_expired(development):
    with simulated(development) as phone:
        phone.say_all("Bonjour", *JEAN[:2])
        fifteen_minutes_later(development, phone)
        reply = phone.say("Jean")
        assert message("expired") in reply and question(0) in reply


def test_time_passes_for_one_person_only(development):
    with simulated(development) as phone, simulated(development) as neighbour:
        neighbour.say_all("Mbote", JEAN[0])
        fifteen_minutes_later(development, phone)
        assert question(2) in neighbour.say(JEAN[1])


def test_a_message_that_comes_again_changes_nothing(development):
    with simulated(development) as phone:
        phone.say("Bonjour")
        first = phone.say(JEAN[0])
        assert phone.say(JEAN[0], sid=phone.last_sid) == first
        assert question(2) in phone.say(JEAN[1])


@pytest.mark.parametrize("path", [MESSAGE, LATER])
@pytest.mark.parametrize("form", [{}, {"Body": "Bonjour"}, {"From": "a b"}, {"From": "x" * 129}])
def test_who_is_nobody_is_told_so(shared, path, form):
    status, body = post(shared, path, form)
    assert status == 400 and b"From" in body


@pytest.mark.parametrize("path", [MESSAGE, LATER])
def test_production_has_no_simulator(start, path):
    server = start(
        ENVIRONMENT="production",
        PUBLIC_URL="https://ciu.example.org",
        TWILIO_AUTH_TOKEN="0123456789abcdef0123456789abcdef",
        ADMIN_TOKEN="0123456789abcdef",
        RUN_AS_USER="root",
    )
    status, body = post(server, path, {"From": "whatsapp:+243810000000", "Body": "Bonjour"})
    assert status == http.client.NOT_FOUND, body
