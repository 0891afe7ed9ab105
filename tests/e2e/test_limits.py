"""At each limit there is a defined answer, and behind it life goes on."""

import json
import socket
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, Phone, exchange_bytes, new_sid, twilio_form
from processes import PATIENCE, eventually
from texts import message, question


def test_too_many_messages_at_once_are_told_to_come_back(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=1, MAX_IN_FLIGHT=1)
    with Phone(server) as first, Phone(server) as second:
        first.say("Bonjour")
        redis.pause()
        try:
            form = urlencode(twilio_form(first.number, "1985", new_sid()))
            first.connection.request("POST", WEBHOOK, form, {"Content-Type": FORM})
            assert server.status_of("/health") == 200  # the one loop is past that message now
            status, headers, body = second.post(
                urlencode(twilio_form(second.number, "Bonjour", new_sid())))
        finally:
            redis.resume()
        assert status == 503 and headers["Retry-After"]
        assert json.loads(body)["error"]
        assert first.connection.getresponse().status == 200
        assert message("welcome") in second.say("Bonjour")


def test_too_many_connections_are_told_to_come_back(start):
    server = start(WORKERS=1, MAX_CONNECTIONS=16)
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"

    def connect():
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        connection.sendall(request)
        if connection.recv(4096).startswith(b"HTTP/1.1 200"):
            return connection
        return connection.close()  # those who asked whether it is ready are still counted

    kept = [eventually(connect, "one of sixteen") for _ in range(16)]
    answer = exchange_bytes(server, request)
    assert answer.status == 503 and answer.headers["Retry-After"] and answer.closed
    for connection in kept:
        connection.close()
    eventually(lambda: server.status_of("/health") == 200, "room again")


def test_a_form_of_very_many_fields_is_refused_or_read(phone):
    status, _, _ = phone.post("From=a&" + "x=1&" * 10000)
    assert status in (200, 400)
    assert message("welcome") in phone.say("Bonjour")


@pytest.mark.parametrize("length", [4, 20000, 60000])
def test_a_message_of_any_length_is_answered(phone, length):
    phone.say_all("Bonjour", "1985")
    reply = phone.say(("Boma" * length)[:length])
    assert question(1 if length > 80 else 2) in reply


def test_a_client_that_goes_away_in_the_middle_does_no_harm(shared, phone):
    form = urlencode(twilio_form(phone.number, "Bonjour", new_sid())).encode()
    head = (f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
            f"Content-Length: {len(form)}\r\n\r\n").encode()
    request = head + form
    for length in (0, 1, len(head) - 1, len(head), len(request) - 1, len(request)):
        with socket.create_connection(("127.0.0.1", shared.port)) as connection:
            connection.sendall(request[:length])
    # The whole message was sent once, and counts although nobody waited for its reply.
    eventually(lambda: question(1) in phone.say("1985"), "greeted")
