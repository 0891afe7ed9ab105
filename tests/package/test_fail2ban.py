"""fail2ban understands the lines that the server writes, and nobody else's."""

import re
import subprocess
from urllib.parse import urlencode

import pytest
from phone import WEBHOOK, exchange_bytes

SIGNED = {"ADMIN_TOKEN": "admin-Token_1234567", "TWILIO_AUTH_TOKEN": "0123456789abcdef",
          "PUBLIC_URL": "https://ciu.exemple.cd"}
STRANGER, OTHER, GUESSER, READER = "203.0.113.7", "2001:db8::7", "198.51.100.9", "198.51.100.10"
PREFIXES = {"a file": "", "the journal": "ciu whatsapp-uic[4711]: "}


def forged(headers, path=WEBHOOK, body="Body=Oui!", method="POST"):
    return (f"{method} {path} HTTP/1.1\r\nHost: ciu\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n{headers}\r\n\r\n{body}").encode()


@pytest.fixture(params=["False", "True"], ids=["text", "json"])
def log(start, request):
    """The log of a server whom strangers visited: one without signature, one with a wrong one, one
    who speaks no HTTP, one who only looks, one who guesses the token of the administration, and one
    who wants the figures without it."""
    server = start(LOG_JSON=request.param, WORKERS=1, **SIGNED)
    forward = f"X-Forwarded-For: {STRANGER}"
    for _ in range(2):
        assert exchange_bytes(server, forged(forward)).status == 400
    wrong = f"X-Forwarded-For: {OTHER}\r\nX-Twilio-Signature: {'A' * 27}="
    assert exchange_bytes(server, forged(wrong)).status == 403
    assert exchange_bytes(server, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n").status == 400
    assert server.status_of("/nowhere") == 404
    guess = urlencode({"token": "guessed"})
    assert exchange_bytes(server, forged(f"X-Forwarded-For: {GUESSER}", "/admin/login", guess)).status == 403
    figures = f"Authorization: Bearer guessed\r\nX-Forwarded-For: {READER}"
    assert exchange_bytes(server, forged(figures, "/admin/stats", "", "GET")).status == 401
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


@pytest.mark.parametrize("prefix", PREFIXES, ids=PREFIXES.get)
def test_who_signs_nothing_or_speaks_no_http_is_found(root, log, tmp_path, prefix):
    lines = "".join(PREFIXES[prefix] + line + "\n" for line in log.splitlines())
    assert banned(root, lines, "normal", tmp_path) == sorted(
        [STRANGER, STRANGER, GUESSER, READER, "127.0.0.1"])


def test_a_wrong_signature_counts_only_when_asked_for(root, log, tmp_path):
    assert OTHER not in banned(root, log, "normal", tmp_path)
    assert banned(root, log, "aggressive", tmp_path).count(OTHER) == 1


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
