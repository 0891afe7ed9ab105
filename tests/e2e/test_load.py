"""Many people at once: every reply and every code is the right one, and every record is there. And
the load driver, which says so of itself, finds what is wrong."""

import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection

import pytest
from processes import PROGRAM, SALT

LOAD = Path(PROGRAM).parent / "whatsapp-uic-load"
TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://ciu.example.org"

needs_driver = pytest.mark.skipif(not os.access(LOAD, os.X_OK),
                                  reason="only presets with tests build the load driver")


def test_three_hundred_conversations_at_once(start, root, redis):
    server = start(REDIS_URL=redis.url, WORKERS=2)
    done = subprocess.run(
        [sys.executable, root / "tests/checks/load_check.py", "--port", str(server.port), "--salt", SALT,
         "--database", server.database, "--conversations", "300", "--connections", "32"],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def drive(server, *options, salt=SALT):
    """The driver's exit status and what it counted."""
    done = subprocess.run([LOAD, "--json", "--salt", salt, "--connections", "16", *options,
                           f"http://127.0.0.1:{server.port}/whatsapp/webhook"],
                          capture_output=True, text=True, timeout=300)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@needs_driver
def test_the_driver_finds_nothing_wrong_with_people_of_all_kinds(start):
    server = start(WORKERS=2)
    status, counted = drive(server, "--conversations", "600")
    assert (status, counted["errors"], counted["wrong_replies"]) == (0, 0, 0)
    assert counted["conversations"] == 600
    again = [record for record in server.records() if record["request_count"] > 1]
    assert again and len(server.records()) < 600, "some were registered before"


class Chopper(socketserver.ThreadingTCPServer):
    """Stands before a server and hands its replies on in small pieces."""
    daemon_threads = True

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), None)
        self.behind = ("127.0.0.1", server.port)
        self.port = self.server_address[1]

    def finish_request(self, request, _):
        request.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        with create_connection(self.behind) as behind:
            threading.Thread(target=self.chop, args=(behind, request), daemon=True).start()
            while data := request.recv(65536):
                behind.sendall(data)

    @staticmethod
    def chop(behind, request):
        while data := behind.recv(65536):
            for start in range(0, len(data), 90):
                request.sendall(data[start:start + 90])


@needs_driver
def test_the_driver_reads_replies_that_come_in_pieces(start):
    with Chopper(start()) as chopper:
        threading.Thread(target=chopper.serve_forever, daemon=True).start()
        status, counted = drive(chopper, "--conversations", "50")
        chopper.shutdown()
    assert (status, counted["errors"], counted["wrong_replies"]) == (0, 0, 0)
    assert counted["conversations"] == 50


@needs_driver
def test_the_driver_keeps_a_rate(start):
    status, counted = drive(start(), "--rate", "40", "--seconds", "3", "--warm", "20")
    assert (status, counted["errors"], counted["wrong_replies"]) == (0, 0, 0)
    assert counted["webhooks"] <= 121


@needs_driver
def test_the_driver_signs(start):
    server = start(TWILIO_AUTH_TOKEN=TOKEN, PUBLIC_URL=PUBLIC_URL)
    status, _ = drive(server, "--conversations", "20", "--token", TOKEN, "--public-url", PUBLIC_URL)
    assert status == 0
    status, counted = drive(server, "--conversations", "20")
    assert (status, counted["statuses"]) == (1, 20)


@needs_driver
def test_the_driver_finds_wrong_codes(start):
    status, counted = drive(start(), "--plain", "--conversations", "20", salt=SALT + "x")
    assert (status, counted["wrong_replies"], counted["conversations"]) == (1, 20, 0)


@needs_driver
def test_the_driver_finds_wrong_replies(start):
    server = start()
    drive(server, "--plain", "--conversations", "20", "--turns", "2", "--run", "5")
    status, counted = drive(server, "--plain", "--conversations", "20", "--run", "5")
    assert (status, counted["wrong_replies"]) == (1, 20), "they are not at the beginning"
