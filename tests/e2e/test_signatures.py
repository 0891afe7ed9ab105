"""Only the signed get in: what Twilio sends for our account passes, and nothing that differs from it
by a bit."""

import json
import random
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, Phone, new_number, new_sid, reply_text, signature, twilio_form
from processes import UicServer, run_program
from texts import JEAN, code_in, code_of, message

TOKEN, NEXT_TOKEN = "7c0ffee0token1", "7c0ffee0token2"
PUBLIC_URL = "https://ciu.exemple.cd"
ACCOUNT = twilio_form("+1", "", None)["AccountSid"]
SIGNED = {"TWILIO_AUTH_TOKEN": TOKEN, "PUBLIC_URL": PUBLIC_URL}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server for which Twilio signs, with two tokens and one account."""
    settings = {**SIGNED, "TWILIO_AUTH_TOKEN": f"{TOKEN},{NEXT_TOKEN}", "TWILIO_ACCOUNT_SID": ACCOUNT,
                "WORKERS": "2"}
    with UicServer(tmp_path_factory.mktemp("signed"), settings) as server:
        yield server


def send(phone, body, value, query=""):
    """(status, body) of a webhook request with this signature, or without one."""
    headers = {"Content-Type": FORM}
    if value is not None:
        headers["X-Twilio-Signature"] = value
    phone.connection.request("POST", WEBHOOK + query, body, headers)
    response = phone.connection.getresponse()
    return response.status, response.read()


def form_of(text="Bonjour", **fields):
    return urlencode({**twilio_form(new_number(), text, new_sid()), **fields})


def sign(body, token=TOKEN, url=PUBLIC_URL, query=""):
    return signature(token, url + WEBHOOK + query, body)


def refusals(server):
    """Counted refusals by reason."""
    lines = server.get("/metrics")[1].splitlines()
    pairs = [line.split() for line in lines if line.startswith("uic_webhooks_refused_total{")]
    return {name.split('"')[1]: int(count) for name, count in pairs}


def test_a_signed_conversation_gets_its_code(phone):
    assert code_in(phone.say_all("Bonjour", *JEAN)) == code_of(JEAN)


def test_accents_and_emoji_are_signed_as_they_are(phone):
    reply = phone.say("Été à Mbandaka 🌸 & “café”", profile="Maïsé 🌍")
    assert message("welcome") in reply


@pytest.mark.parametrize("token", [TOKEN, NEXT_TOKEN])
def test_either_token_signs_while_one_replaces_the_other(phone, token):
    body = form_of()
    assert send(phone, body, sign(body, token))[0] == 200


@pytest.mark.parametrize("port", ["", ":443"])
def test_the_port_of_https_may_be_signed_or_not(phone, port):
    body = form_of()
    assert send(phone, body, sign(body, url=PUBLIC_URL + port))[0] == 200


def test_a_query_is_signed_as_it_was_sent(phone):
    body, query = form_of(), "?a=%C3%A9&b=It%27s+x&&c"
    assert send(phone, body, sign(body, query=query), query)[0] == 200
    assert send(phone, body, sign(body), query)[0] == 403
    assert send(phone, body, sign(body, query=query))[0] == 403


def test_an_unsigned_request_is_400_and_counted(shared, phone):
    before = refusals(shared)["unsigned"]
    status, body = send(phone, form_of(), None)
    assert status == 400 and "X-Twilio-Signature" in json.loads(body)["error"]
    assert refusals(shared)["unsigned"] == before + 1


@pytest.mark.parametrize("value", ["", "x", "A" * 28, "é" * 14, "A" * 5000])
def test_a_wrong_signature_is_403_and_counted(shared, phone, value):
    before = refusals(shared)["signature"]
    status, body = send(phone, form_of(), value.encode())
    assert status == 403 and json.loads(body)["error"]
    assert refusals(shared)["signature"] == before + 1


def test_host_headers_do_not_change_what_is_signed(phone):
    body = form_of()
    value = sign(body, url="https://elsewhere.example")
    headers = {"Content-Type": FORM, "X-Twilio-Signature": value, "Host": "elsewhere.example",
               "X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https"}
    phone.connection.request("POST", WEBHOOK, body, headers)
    response = phone.connection.getresponse()
    assert response.status == 403
    response.read()


@pytest.mark.parametrize("account", ["AC1", ACCOUNT + "0", ACCOUNT.lower(), ""])
def test_another_account_is_403_although_it_is_signed(shared, phone, account):
    before = refusals(shared)["account"]
    body = form_of(AccountSid=account)
    assert send(phone, body, sign(body))[0] == 403
    assert refusals(shared)["account"] == before + 1


def test_our_account_and_another_is_403(phone):
    body = form_of() + "&AccountSid=AC1"
    assert send(phone, body, sign(body))[0] == 403


def test_a_form_that_is_not_utf8_is_signed_over_its_bytes(phone):
    body = form_of() + "&x=%ff"
    assert send(phone, body, sign(body))[0] == 200
    assert send(phone, body, sign(body.replace("%ff", "%EF%BF%BD")))[0] == 403
    assert send(phone, body, sign(form_of()))[0] == 403


def test_one_changed_bit_is_refused(phone):
    """In the query, the body or the signature; without the digits of escapes, where a and A are the
    same, and bytes that no request line may hold."""
    body, query = form_of("Mbuji-Mayi"), "?a=1&b=2"
    value = sign(body, query=query)
    choice = random.Random(5)
    assert send(phone, body, value, query)[0] == 200
    for _ in range(600):
        parts = [body.encode(), value.encode(), query.encode()]
        which = choice.randrange(3)
        changed = bytearray(parts[which])
        at = choice.randrange(which == 2, len(changed))
        changed[at] ^= 1 << choice.randrange(7)
        if b"%" in parts[which][max(0, at - 2):at] or not 0x20 < changed[at] < 0x7f:
            continue
        if which == 2 and changed[at] == ord("#"):
            continue
        parts[which] = bytes(changed)
        status, _ = send(phone, parts[0], parts[1], parts[2].decode())
        assert status in ((400, 403) if which == 0 else (403,)), parts


def test_refusals_are_logged_without_what_was_sent(start):
    server = start(LOG_LEVEL="DEBUG", **SIGNED)
    with Phone(server) as phone:
        body = form_of("Quixotina")
        send(phone, body, None, "?Quixotina")
        send(phone, body, "Quixotina" * 3 + "Q", "?Quixotina")
    server.stop()
    refused = [line for line in server.log().splitlines() if "request_not_ours" in line]
    assert len(refused) == 2
    assert "Quixotina" not in server.log() and TOKEN not in server.log()


def test_in_development_nobody_needs_to_sign_and_the_log_says_so(start):
    server = start()
    with Phone(server) as phone:
        assert message("welcome") in reply_text(send(phone, form_of(), "wrong")[1])
    server.stop()
    assert server.log().count("TWILIO_AUTH_TOKEN is not set") == 1


@pytest.mark.parametrize("missing", ["TWILIO_AUTH_TOKEN", "PUBLIC_URL"])
def test_production_does_not_start_without_what_is_signed(tmp_path, missing):
    settings = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567", **SIGNED}
    done = run_program("serve", cwd=tmp_path, **{**settings, missing: None})
    assert done.returncode == 1
    assert f'CRITICAL start_failed what={missing} reason="is not set' in done.stderr


def test_a_token_without_the_url_it_signs_does_not_start(tmp_path):
    done = run_program("serve", cwd=tmp_path, TWILIO_AUTH_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "start_failed what=PUBLIC_URL reason=\"is not set" in done.stderr and TOKEN not in done.stderr
