#!/usr/bin/python3
"""People who write through nginx with TLS until standard input ends, signed as Twilio signs. Prints what
they met as JSON: requests, failures (what was answered other than 200), codes that were told."""

import http.client
import json
import re
import ssl
import sys
import threading
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from phone import FORM, WEBHOOK, new_sid, reply_text, signature, twilio_form  # noqa: E402

ADDRESS, TOKEN, PEOPLE, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CODE = re.compile(r"^[0-9]{3}-[A-Z]{4}-[0-9]{2}-[A-Z]{3}-[A-Z]{4}-[0-9A-F]{5,}$", re.M)
LETTERS = str.maketrans("0123456789", "abcdefghij")


class Crowd:
    def __init__(self):
        self.end = threading.Event()
        self.lock = threading.Lock()
        self.requests, self.failures, self.codes = 0, [], []

    def post(self, number, text):
        """One message over a connection of its own, as Twilio does it; its reply, or None."""
        form = urlencode(twilio_form(number, text, new_sid()))
        headers = {"Content-Type": FORM, "Host": ADDRESS.partition("//")[2],
                   "X-Twilio-Signature": signature(TOKEN, ADDRESS + WEBHOOK, form)}
        try:
            if PORT == 443:
                connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=15,
                                                         context=ssl._create_unverified_context())
            else:
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=15)
            connection.request("POST", WEBHOOK, form, headers)
            response = connection.getresponse()
            status, body = response.status, response.read()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            status, body = repr(error), b""
        with self.lock:
            self.requests += 1
            if status != 200:
                self.failures.append(status)
        return reply_text(body) if status == 200 else None

    def live(self, index):
        round_ = 0
        while not self.end.is_set():
            round_ += 1
            name = "Ka" + f"{index}x{round_}".translate(LETTERS)
            for text in ("Bonjour", str(1910 + round_ % 90), "Kinshasa", "Jean", str(1 + round_ % 28), name):
                reply = self.post(f"+2438100{index:05d}", text)
                self.end.wait(0.05)
            found = CODE.search(reply or "")
            if found:
                with self.lock:
                    self.codes.append(found[0])


crowd = Crowd()
threads = [threading.Thread(target=crowd.live, args=(index,)) for index in range(PEOPLE)]
for thread in threads:
    thread.start()
print("they write", flush=True)
sys.stdin.read()
crowd.end.set()
for thread in threads:
    thread.join()
print(json.dumps({"requests": crowd.requests, "failures": crowd.failures, "codes": crowd.codes}))
