"""What is signed is authentic: one broken character refuses no request, and the log calls no signed
request a stranger's."""

import json
from contextlib import contextmanager
from urllib.parse import urlencode

import meta
import pytest
from meta import Meta, request, text
from phone import Phone, new_sid, reply_text, twilio_form
from processes import UicServer, eventually
from texts import JEAN, code_in, code_of, question

TOKEN = "7c0ffee0token1"
ACCOUNT = twilio_form("+1", "", None)["AccountSid"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server for which both providers sign."""
    settings = {**meta.SETTINGS, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT,
                "PUBLIC_URL": "https://ciu.exemple.cd"}
    with UicServer(tmp_path_factory.mktemp("broken"), settings) as server:
        yield server


def form(phone, said, more=""):
    fields = urlencode(twilio_form(phone.number, "", new_sid())).replace("Body=", f"Body={said}")
    return fields + more


def strangers(server):
    return int(sum(float(line.split()[1]) for line in server.get("/metrics")[1].splitlines()
                   if line.startswith("uic_webhooks_refused_total{")
                   and "account" not in line)) + server.log().count("request_not_ours")


@contextmanager
def refused_as_ours(server, line):
    """What happens here is refused with this line, and no stranger is counted or logged."""
    before, told = strangers(server), server.log().count(line)
    yield
    eventually(lambda: server.log().count(line) == told + 1, f"{line} in the log")
    assert strangers(server) == before


BROKEN_FIELDS = ["&ProfileName=Jean+%F0%9F%98", "&Label=%E9", "&Other=50%", "&Other=%zz", "&%ff=1",
                 "&%=1", "&Label=%ED%A0%BD"]


@pytest.mark.parametrize("more", BROKEN_FIELDS)
def test_twilio_fields_that_we_do_not_use_are_not_judged(shared, phone, more):
    phone.say("Bonjour")
    status, _, answer = phone.post(form(phone, "1985", more))
    assert status == 200 and question(1) in reply_text(answer)


def test_broken_characters_in_a_text_are_replaced(shared, phone):
    phone.say_all("Bonjour", "1985")
    for said in ("Kinshasa+%F0%9F%98", "Jean%FF", "15", "Kabila%E9"):
        status, _, answer = phone.post(form(phone, said))
        assert status == 200
    assert code_in(reply_text(answer)).startswith(code_of(JEAN)[:-5])


@pytest.mark.parametrize("more", ["&From=whatsapp%3A%2B1", "&Body=x", "&MessageSid=SM1"])
def test_fields_that_count_stand_once(shared, phone, more):
    with refused_as_ours(shared, "webhook_refused status=400"):
        assert phone.post(form(phone, "Bonjour", more))[0] == 400


def test_half_a_percent_sign_in_a_text_is_refused(shared, phone):
    with refused_as_ours(shared, "webhook_refused status=400"):
        assert phone.post(form(phone, "100%"))[0] == 400


def test_another_account_of_ours_is_no_stranger(shared, phone):
    with refused_as_ours(shared, 'webhook_refused status=403 reason="this is another account"'):
        assert phone.post(form(phone, "Bonjour").replace(ACCOUNT, "AC1"))[0] == 403


BROKEN_JSON = {
    "half a pair": (b'"profile": {"name": "', b'"profile": {"name": "\\ud83d'),
    "the other half": (b'"profile": {"name": "', b'"profile": {"name": "\\ude00'),
    "half a character": (b'"profile": {"name": "', b'"profile": {"name": "\xf0\x9f\x98'),
    "a byte order mark": (b'{"object"', b'\xef\xbb\xbf{"object"'),
    "a key twice": (b'"messaging_product": "whatsapp"', b'"messaging_product": "whatsapp", "messaging_product": 1'),
    "a large number": (b'"messaging_product": "whatsapp"', b'"messaging_product": 9223372036854775808'),
    "a very large number": (b'"messaging_product": "whatsapp"', b'"messaging_product": 1e999'),
    "a nul in a key": (b'"messaging_product"', b'"messaging\\u0000product"'),
    "a control character": (b'"profile": {"name": "', b'"profile": {"name": "\x01\n'),
}


@pytest.mark.parametrize("name", BROKEN_JSON)
def test_one_bad_character_refuses_no_request_of_metas(shared, name):
    number = meta.new_number()
    old, new = BROKEN_JSON[name]
    before = strangers(shared)
    with Meta(shared) as sender:
        day = str(list(BROKEN_JSON).index(name) + 1)
        body = request(*(text(number, said) for said in ("Bonjour", "1985", "Goma", "Anne", day, "Moke")))
        assert old in body
        assert sender.send(body.replace(old, new, 1)) == (200, b"")
    assert [row for row in shared.records() if row["phone_number"] == "+" + number]
    assert strangers(shared) == before


def test_half_a_pair_in_an_answer_is_replaced(shared):
    number = meta.new_number()
    said = ["Bonjour", "1985", "Boma \ud83d", "Jean\ude00", "16", "Kabila"]
    with Meta(shared) as sender:
        assert sender.send(json.dumps(json.loads(request(*(text(number, one) for one in said)))).encode())[0] == 200
    row, = (row for row in shared.records() if row["phone_number"] == "+" + number)
    assert row["uic_code"] == code_of(("1985", "Boma", "Jean", "16", "Kabila"))


def test_what_is_no_json_is_refused_without_calling_meta_a_stranger(shared):
    with refused_as_ours(shared, 'webhook_refused status=400 reason="expected JSON"'):
        with Meta(shared) as sender:
            assert sender.send(b"{", meta.signature(b"{"))[0] == 400
