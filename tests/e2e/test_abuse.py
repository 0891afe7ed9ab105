"""Who writes too much, opens too much, sends too much or too slowly: each meets a limit of its own,
each limit has a setting, and the metrics count it."""

import itertools
import json
import socket
import time
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, Phone, exchange_bytes, new_number, new_sid, twilio_form
from processes import PATIENCE, eventually
from texts import JEAN, code_in, message, question

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def reached(server, limit):
    """How often a limit was reached."""
    for line in server.get("/metrics")[1].splitlines():
        if line.startswith(f'uic_limit_reached_total{{limit="{limit}"}} '):
            return int(line.split()[-1])
    raise AssertionError(f"no such limit: {limit}")


def test_somebody_who_writes_too_much_is_told_once_and_then_nothing(start):
    server = start(MESSAGES_PER_MINUTE=3)
    with Phone(server) as phone, Phone(server) as other:
        assert message("welcome") in phone.say("Bonjour")
        assert question(1) in phone.say("1985")
        assert question(2) in phone.say("Kinshasa")
        assert phone.say("Jean") == message("too_many")
        for _ in range(20):
            assert phone.say("Jean") == ""
        assert message("welcome") in other.say("Bonjour")
    assert reached(server, "messages_per_minute") == 21
    eventually(lambda: "too_many_messages" in server.log(), "logged")


def test_somebody_who_gets_too_many_codes_is_told_once_and_then_nothing(start):
    server = start(CODES_PER_DAY=2)
    with Phone(server) as phone:
        code_in(phone.say_all("Bonjour", *JEAN))
        code_in(phone.say_all("Bonjour", *JEAN))
        assert phone.say("Bonjour") == message("too_many")
        assert phone.say("Bonjour") == ""
    assert reached(server, "codes_per_day") == 2
    assert len(server.records()) == 1


def test_a_nurse_registers_fifty_people_in_one_go(start):
    server = start()
    with Phone(server) as phone:
        codes = {code_in(phone.say_all("Bonjour", str(1940 + n), f"Goma{chr(65 + n % 26)}{'x' * (n // 26)}",
                                       "Marie", str(n % 29 + 1), "Ilunga")) for n in range(50)}
    assert len(codes) == 50
    assert reached(server, "messages_per_minute") == 0


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def test_connections_of_one_address_are_limited_and_come_back(start):
    """Whatever a client that is no trusted proxy writes into X-Forwarded-For."""
    server = start(CONNECTIONS_PER_ADDRESS=16, TRUSTED_PROXIES="192.0.2.1", WORKERS=2)
    clients = itertools.count(1)

    def served():
        connection = connect(server)
        forwarded = f"X-Forwarded-For: 198.51.100.{next(clients) % 256}\r\n\r\n"
        connection.sendall(HEALTH[:-2] + forwarded.encode())
        if connection.recv(4096).startswith(b"HTTP/1.1 200"):
            return connection
        return connection.close()  # those who asked whether it is ready may still be counted

    kept = [eventually(served, "one of sixteen") for _ in range(16)]
    answer = exchange_bytes(server, HEALTH)
    assert answer.status == 429 and answer.headers["Retry-After"] and answer.closed
    assert json.loads(answer.body)["error"]
    kept.pop().close()
    kept.append(eventually(served, "room again"))
    for connection in kept:
        connection.close()
    eventually(lambda: server.status_of("/metrics") == 200, "room for us")
    assert reached(server, "connections") >= 1


def test_silent_connections_count_too(start):
    server = start(CONNECTIONS_PER_ADDRESS=16, TRUSTED_PROXIES="none", WORKERS=2)
    silent = [connect(server) for _ in range(16)]
    eventually(lambda: server.status_of("/health") == 429, "refused")
    for connection in silent:
        connection.close()
    eventually(lambda: server.status_of("/health") == 200, "room again")


def test_a_trusted_proxy_is_counted_by_those_for_whom_it_speaks(start, redis):
    """Each client has one message under way, for Redis stands still; a second one of the same client
    is refused, and what the client itself wrote into the header is not believed."""
    server = start(REDIS_URL=redis.url, CONNECTIONS_PER_ADDRESS=1, WORKERS=1)

    def ask(forwarded):
        phone = Phone(server)
        form = urlencode(twilio_form(new_number(), "Bonjour", new_sid()))
        phone.connection.request("POST", WEBHOOK, form,
                                 {"Content-Type": FORM, "X-Forwarded-For": forwarded})
        return phone.connection

    redis.pause()
    try:
        first = ask("192.0.2.1")
        other = ask("192.0.2.1, 192.0.2.2")
        second = ask("192.0.2.9, 192.0.2.1, 127.0.0.1").getresponse()
        assert second.status == 429 and second.headers["Retry-After"]
    finally:
        redis.resume()
    assert first.getresponse().status == 200
    assert other.getresponse().status == 200
    assert ask("192.0.2.1").getresponse().status == 200


SLOW = {
    "head": (b"GET /health HTTP/1.1\r\nHo", {"HEAD_TIMEOUT_SECONDS": 1}),
    "body": (b"POST /whatsapp/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nFrom",
             {"BODY_TIMEOUT_SECONDS": 1}),
    "nothing": (b"", {"IDLE_TIMEOUT_SECONDS": 1}),
}


@pytest.mark.parametrize("what", SLOW)
def test_who_sends_too_slowly_is_closed(start, what):
    sent, settings = SLOW[what]
    server = start(**settings)
    with connect(server) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""
    assert "uic_connections_timed_out_total 1" in server.get("/metrics")[1]


def test_a_byte_now_and_then_does_not_count_as_sending(start):
    server = start(HEAD_TIMEOUT_SECONDS=1)
    with connect(server) as connection:
        def drip():
            try:
                connection.sendall(b"X")
                time.sleep(0.02)
                connection.settimeout(0.01)
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        connection.sendall(b"GET /health HTTP/1.1\r\nX-")
        eventually(drip, "closed")


def request(path="/health", headers="", body=""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    method = "POST" if body else "GET"
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}{length}\r\n{body}".encode()


SIZES = {
    "head_bytes": ("MAX_HEAD_BYTES", 2000, 431,
                   lambda n: request(headers=f"X: {'a' * (n - len(request(headers='X: ')) - 2)}\r\n")),
    "url_bytes": ("MAX_URL_BYTES", 300, 414, lambda n: request(path="/health?" + "a" * (n - 8))),
    "body_bytes": ("MAX_BODY_BYTES", 1500, 413,
                   lambda n: request(WEBHOOK, body=("From=a&Body=x&F=".ljust(n, "y")))),
    "parameters": ("MAX_PARAMETERS", 20, 400,
                   lambda n: request(WEBHOOK, body="From=a" + "&x=1" * (n - 1))),
}


@pytest.mark.parametrize("limit", SIZES)
def test_a_size_has_a_setting_and_is_met_exactly(start, limit):
    setting, size, status, make = SIZES[limit]
    server = start(**{setting: size})
    assert exchange_bytes(server, make(size)).status == 200
    assert reached(server, limit) == 0
    answer = exchange_bytes(server, make(size + 1))
    assert answer.status == status
    assert json.loads(answer.body)["error"]
    assert reached(server, limit) == 1
