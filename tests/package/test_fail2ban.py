"""fail2ban understands the lines that the server writes, and nobody else's."""

import re
import socket
import subprocess
from urllib.parse import urlencode

import meta
import pytest
from phone import WEBHOOK, exchange_bytes, signature

URL = "https://ciu.exemple.cd"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SIGNED = {"ADMIN_TOKEN": "admin-Token_1234567", "TWILIO_AUTH_TOKEN": "0123456789abcdef", "PUBLIC_URL": URL,
          "METRICS_TOKEN": "metrics-Token_123456", "TWILIO_ACCOUNT_SID": ACCOUNT,
          "META_WHATSAPP_TOKEN": "EAAG-of-tests", "META_PHONE_NUMBER_ID": "106540352242922",
          "META_APP_SECRET": meta.SECRET, "META_VERIFY_TOKEN": meta.VERIFY_TOKEN,
          "META_GRAPH_URL": "http://127.0.0.1:9"}
STRANGER, OTHER, GUESSER, READER = "203.0.113.7", "2001:db8::7", "198.51.100.9", "198.51.100.10"
SCRAPER, SUBSCRIBER, DIRECT = "198.51.100.11", "198.51.100.12", "127.0.0.2"
PREFIXES = {"a file": "", "the journal": "ciu whatsapp-uic[4711]: "}


NO_HTTP = b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"


def forged(headers, path=WEBHOOK, body="Body=Oui!", method="POST"):
    length = f"Content-Length: {len(body.encode())}\r\n" if method == "POST" else ""
    return (f"{method} {path} HTTP/1.1\r\nHost: ciu\r\n{length}Connection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n{headers}\r\n\r\n{body}").encode()


@pytest.fixture(params=["False", "True"], ids=["text", "json"])
def log(start, request):
    """The log of a server whom strangers visited: one without signature, one with a wrong one, one
    who speaks no HTTP, one who only looks, and those who guess the token of the administration, of
    the figures, of the metrics, and Meta's."""
    server = start(LOG_JSON=request.param, WORKERS=1, **SIGNED)
    forward = f"X-Forwarded-For: {STRANGER}"
    for _ in range(2):
        assert exchange_bytes(server, forged(forward)).status == 400
    wrong = f"X-Forwarded-For: {OTHER}\r\nX-Twilio-Signature: {'A' * 27}="
    assert exchange_bytes(server, forged(wrong)).status == 403
    with socket.create_connection(("127.0.0.1", server.port), source_address=(DIRECT, 0)) as direct:
        direct.sendall(NO_HTTP)
        assert direct.recv(100).startswith(b"HTTP/1.1 400 ")
    assert server.status_of("/nowhere") == 404
    guess = urlencode({"token": "guessed"})
    assert exchange_bytes(server, forged(f"X-Forwarded-For: {GUESSER}", "/admin/login", guess)).status == 403
    figures = f"Authorization: Bearer guessed\r\nX-Forwarded-For: {READER}"
    assert exchange_bytes(server, forged(figures, "/admin/stats", "", "GET")).status == 401
    scrape = f"Authorization: Bearer guessed\r\nX-Forwarded-For: {SCRAPER}"
    assert exchange_bytes(server, forged(scrape, "/metrics", "", "GET")).status == 401
    subscribe = f"{meta.PATH}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guessed"
    assert exchange_bytes(server, forged(f"X-Forwarded-For: {SUBSCRIBER}", subscribe, "", "GET")).status == 403
    server.terminate()
    server.wait()
    return server.log()


def banned(root, lines, mode, tmp_path):
    """The addresses that fail2ban finds in the lines, one for each line."""
    path = tmp_path / "log"
    path.write_text(lines)
    filter_file = root / "packaging/fail2ban/filter.d/whatsapp-uic.conf"
    done = subprocess.run(["fail2ban-regex", "-o", "ip", path,
                           f"{filter_file}[mode={mode}]"], capture_output=True, text=True)
    return sorted(done.stdout.split())


def test_strangers_are_found_and_only_if_asked_for_what_a_wrong_setting_of_ours_brings_about(root, log, tmp_path):
    found = [STRANGER, STRANGER, GUESSER, READER, SCRAPER, DIRECT]
    for prefix in PREFIXES.values():
        lines = "".join(prefix + line + "\n" for line in log.splitlines())
        assert banned(root, lines, "normal", tmp_path) == sorted(found)
        assert banned(root, lines, "aggressive", tmp_path) == sorted([*found, OTHER, SUBSCRIBER])


def twilio(body):
    return (f"X-Forwarded-For: {STRANGER}\r\n"
            f"X-Twilio-Signature: {signature(SIGNED['TWILIO_AUTH_TOKEN'], URL + WEBHOOK, body)}")


# What is signed rightly and refused all the same.
FORMS = ["AccountSid=AC99999999999999999999999999999999&From=whatsapp%3A%2B243810000000&Body=Oui", "Body=Oui",
         f"AccountSid={ACCOUNT}", f"AccountSid={ACCOUNT}&From=", f"AccountSid={ACCOUNT}&From=a&From=b",
         f"AccountSid={ACCOUNT}&From=whatsapp%3A%2B243810000000&Body=1&Body=2",
         f"AccountSid={ACCOUNT}&From=" + "9" * 200, f"AccountSid={ACCOUNT}&From=a%20b",
         f"AccountSid={ACCOUNT}&" + "x=1&" * 300, f"AccountSid={ACCOUNT}&From=%zz"]
DOCUMENTS = ["", "no JSON", "[]", "{}", '{"object":1}', "[" * 500, '{"object":"page","entry":[]}', '{"a":"\xff"}',
             '{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":'
             '{"messaging_product":"whatsapp","metadata":{"phone_number_id":"1"},"messages":[{"from":"1"}]}}]}]}']


@pytest.mark.parametrize("json", ["False", "True"], ids=["text", "json"])
def test_nobody_who_signs_rightly_is_banned(start, root, tmp_path, json):
    """Twilio and Meta, whatever they send, and the proxy that brings it."""
    server = start(LOG_JSON=json, WORKERS=1, **SIGNED)
    statuses = {exchange_bytes(server, forged(twilio(form), body=form)).status for form in FORMS}
    assert statuses == {400, 403}
    for document in DOCUMENTS:
        signed = f"X-Forwarded-For: {OTHER}\r\nX-Hub-Signature-256: {meta.signature(document.encode())}"
        assert exchange_bytes(server, forged(signed, meta.PATH, document)).status in (200, 400)
    assert exchange_bytes(server, NO_HTTP).status == 400
    assert exchange_bytes(server, forged("X-Seen: 1")).status == 400, "a proxy that says nothing"
    server.terminate()
    server.wait()
    assert server.log().count("another account") >= 1
    for mode in ("normal", "aggressive"):
        assert banned(root, server.log(), mode, tmp_path) == []


@pytest.mark.parametrize("json", ["False", "True"], ids=["text", "json"])
def test_nobody_is_banned_for_an_address_that_a_stranger_gave_him(start, root, tmp_path, json):
    """Whoever has an account of his own tells Twilio or Meta to ask any address: they come from where our
    messages come from, sign for him, or only look at a link."""
    server = start(LOG_JSON=json, WORKERS=1, **SIGNED)
    form = urlencode({"AccountSid": "AC99999999999999999999999999999999", "From": "whatsapp:+1", "Body": "Oui"})
    twilio_for_him = f"X-Forwarded-For: {STRANGER}\r\nX-Twilio-Signature: {'A' * 27}="
    meta_for_him = f"X-Forwarded-For: {OTHER}\r\nX-Hub-Signature-256: {meta.signature(b'his')}"
    preview = f"X-Forwarded-For: {OTHER}\r\nUser-Agent: facebookexternalhit/1.1"
    for path in ("/admin", "/admin/stats", "/metrics", WEBHOOK, meta.PATH, "/admin/login", "/admin/logout"):
        for headers in (twilio_for_him, preview):
            exchange_bytes(server, forged(headers, path, "", "GET"))
    for path in ("/admin/stats", "/metrics", meta.PATH, "/admin/login", "/admin/logout"):
        exchange_bytes(server, forged(twilio_for_him, path, form))
    document = forged(meta_for_him, WEBHOOK, '{"object":"page"}')
    exchange_bytes(server, document.replace(b"x-www-form-urlencoded", b"json"))
    server.terminate()
    server.wait()
    assert STRANGER in server.log() and OTHER in server.log()
    assert banned(root, server.log(), "normal", tmp_path) == []


def test_nobody_is_banned_by_what_another_writes(root, tmp_path):
    line = '2026-11-23T17:00:00.000Z WARNING request_not_ours status=400 reason="{}" client=192.0.2.1\n'
    good = line.format("X-Twilio-Signature is missing")
    assert banned(root, good, "normal", tmp_path) == ["192.0.2.1"]
    for lie in (line.format("x") + "", f'INFO message text="{good.strip()}"\n',
                good.replace("client=192.0.2.1", 'client=192.0.2.1"'),
                good.replace("WARNING", "INFO  message x=")):
        assert banned(root, lie, "normal", tmp_path) == []


def test_fail2ban_takes_the_jail(installed, tmp_path):
    """Our files in a configuration of the distribution's."""
    config = tmp_path / "fail2ban"
    subprocess.run(["cp", "-r", "/etc/fail2ban", config], check=True)
    subprocess.run(["cp", "-rT", installed / "etc/fail2ban", config], check=True)
    done = subprocess.run(["fail2ban-client", "-c", config, "-d"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "['add', 'whatsapp-uic', 'systemd']" in done.stdout
    assert re.search(r"'set', 'whatsapp-uic', 'addjournalmatch'.*whatsapp-uic\.service", done.stdout)
