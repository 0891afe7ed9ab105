"""A stranger attacks through the site that we package, beside patients who write: requests hidden in
bodies, on connections that nginx shares. Nobody gets what is another's."""

import http.client
import os
import socket
import threading
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, new_number, new_sid, reply_text, signature, twilio_form
from processes import PATIENCE
from production import Nginx
from texts import code_in, code_of

ROUNDS = 200
PATIENTS = 3
TOKEN = "7c0ffee0token1"
PUBLIC_URL = "https://ciu.exemple.cd"
FORGED = "198.51.100.66"
PRODUCTION = {
    "ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567", "PUBLIC_URL": PUBLIC_URL,
    "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": twilio_form("+1", "", None)["AccountSid"],
    "RUN_AS_USER": "root" if os.geteuid() == 0 else None, "MESSAGES_PER_MINUTE": 1000, "WORKERS": 1,
}


def hidden(first_line, body=b""):
    return (first_line + b" HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + FORGED.encode()
            + b"\r\nContent-Type: " + FORM.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


HIDDEN = [  # the first is answered only after a second, so that the answer finds the next request
    hidden(b"POST /admin/login", b"token=x"),
    hidden(b"GET /metrics").replace(b"Content-Length: 0\r\n", b""),
    hidden(b"POST " + WEBHOOK.encode(), urlencode(twilio_form("+1", "x", "SM1")).encode()),
]
METHODS = [b"HEAD", b"OPTIONS", b"GET", b"DELETE", b"POST"]


def attack(number):
    """The bytes of one round: the first three are those of the attack that was seen."""
    method = METHODS[number // 6 % len(METHODS)]
    body = HIDDEN[number % 3]
    head = method + b" /health HTTP/1.1\r\nHost: h\r\n"
    if number // 3 % 2:
        return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Patients(threading.Thread):
    """People who register one after the other, each with a name of her own."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.name_part, self.codes, self.fault, self.over = port, name, 0, None, False

    def say(self, connection, number, text):
        body = urlencode(twilio_form(number, text, new_sid()))
        connection.request("POST", WEBHOOK, body, {
            "Content-Type": FORM, "X-Twilio-Signature": signature(TOKEN, PUBLIC_URL + WEBHOOK, body)})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, f"{response.status}: {answer[:200]}"
        return reply_text(answer)

    def register(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        letters = "".join("bdfgklmnprstvz"[int(digit)] + "a" for digit in str(self.codes))
        # The last letters of a code come from the last digits, or the hashes of hundreds would collide.
        answers = ("1985", "Kinshasa", "Jean", "15", f"{letters[::-1]}ka{self.name_part}")
        number = new_number()
        replies = [self.say(connection, number, text) for text in ("Bonjour", *answers)]
        assert code_in(replies[-1]) == code_of(answers)
        connection.close()

    def run(self):
        try:
            while not self.over:
                self.register()
                self.codes += 1
        except Exception as error:  # told to the test
            self.fault = f"{type(error).__name__}: {error}"


@pytest.fixture
def nginx(start, tmp_path):
    server = start(wait_for="/health", **PRODUCTION)
    with Nginx(tmp_path / "nginx", [server.port, server.port]) as nginx:
        nginx.server = server
        yield nginx




def poll(port):
    """What the attacker is told when she asks whether the service is well."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/health")
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_nothing_crosses_in_two_hundred_rounds(nginx):
    patients = [Patients(nginx.port, name) for name in ("ba", "mbi", "so")][:PATIENTS]
    for patient in patients:
        patient.start()
    for number in range(ROUNDS):
        with socket.create_connection(("127.0.0.1", nginx.port), timeout=PATIENCE) as connection:
            connection.sendall(attack(number))
            assert connection.recv(65536).startswith(b"HTTP/1.1 ")
        for _ in range(3):
            status, body = poll(nginx.port)
            assert (status, body[:19]) == (200, '{"status":"healthy"'), f"round {number}: {status} {body}"
        faults = [patient.fault for patient in patients if patient.fault]
        assert not faults, f"round {number}: {faults}"
    for patient in patients:
        patient.over = True
    for patient in patients:
        patient.join()
    assert not [patient.fault for patient in patients if patient.fault]
    assert all(patient.codes for patient in patients)
    assert FORGED not in nginx.server.log()
    assert "readers_disagreed" not in nginx.server.log()
