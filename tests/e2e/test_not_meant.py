"""What is no answer of a person on WhatsApp: gestures begin nothing, who opted out hears nothing, who
writes elsewhere is told where to write, and one person is one however the number is written."""

import json
import time
from urllib.parse import urlencode

import meta
import pytest
from crowd import TOKEN, stats
from meta import Meta, request, text
from phone import FORM, Phone, new_sid, reply_text, twilio_form
from processes import eventually
from texts import JEAN, code_in, code_of, message, question


def post(phone, body, content_type=FORM):
    """The text of the answer to these fields, written over those of an ordinary message."""
    fields = {**twilio_form(phone.number, "", new_sid()), **body}
    status, headers, answer = phone.post(
        urlencode({name: value for name, value in fields.items() if value is not None}), content_type)
    assert status == 200 and headers.get_content_type() == "text/xml", (status, answer)
    return reply_text(answer)


# Twilio

def test_who_opts_out_hears_nothing_from_us(phone):
    phone.say_all("Bonjour", "1985")
    assert post(phone, {"Body": "Stop", "OptOutType": "STOP"}) == ""


@pytest.mark.parametrize("fields", [
    {"MessageStatus": "delivered", "SmsStatus": "delivered", "From": "whatsapp:+14155238886", "Body": None},
    {"MessageStatus": "failed", "ErrorCode": "63016", "Body": None},
    {"From": "whatsapp:+14155238886", "Body": "Bonjour"},
    {"From": "WhatsApp:14155238886", "Body": "Bonjour"},
    {"MessageType": "reaction", "Body": "👍"},
    {"MessageType": "poll_update", "Body": "Kinshasa"},
    {"MessageType": "pin", "Body": "Kinshasa"},
])
def test_status_callbacks_and_thumbs_begin_nothing(start, fields):
    server = start(TWILIO_WHATSAPP_NUMBER="whatsapp:+14155238886")
    with Phone(server) as phone:
        assert post(phone, fields) == ""
        counted = server.counts()
        assert counted["uic_messages_total"] == 0
        assert sum(value for name, value in counted.items() if "uic_twilio_ignored" in name) == 1
        assert message("welcome") in phone.say("Bonjour")
        assert post(phone, fields) == ""
        assert question(1) in phone.say("1985")


@pytest.mark.parametrize("written", ["WhatsApp:{}", "WHATSAPP:{}"])
def test_another_case_of_the_scheme_is_the_same_person(phone, written):
    phone.say_all("Bonjour", "1985")
    assert question(2) in post(phone, {"From": written.format(phone.number), "Body": "Kinshasa"})


def test_a_number_without_its_plus_is_the_same_person(shared, phone):
    phone.say_all("Bonjour", "1985")
    bare = f"whatsapp:{phone.number.lstrip('+')}"
    assert question(2) in post(phone, {"From": bare, "Body": "Kinshasa"})
    phone.say_all("Rose", "9")
    assert code_in(post(phone, {"From": bare, "Body": "Mukendi"}))
    assert [row for row in shared.records() if row["phone_number"] == phone.number]


@pytest.mark.parametrize("sender", ["{}", "messenger:1234567", "rcs:{}"])
def test_who_writes_elsewhere_is_told_and_never_registered(start, sender):
    server = start()
    with Phone(server) as phone:
        phone.say_all("Bonjour", "1985")
        for said in ("Bonjour", *JEAN):
            reply = post(phone, {"From": sender.format(phone.number), "Body": said})
            assert "WhatsApp" in reply and question(0) not in reply
        assert question(2) in phone.say("Kinshasa")
        assert server.records() == []
        assert server.counts()['uic_twilio_ignored_total{reason="other_channel"}'] == 6


def test_a_long_user_id_is_a_person(shared, phone):
    sender = "CD." + "a" * 128
    for said in ("Bonjour", "1985", "Kikwit", "Luc", "3"):
        post(phone, {"From": f"whatsapp:{sender}", "Body": said})
    assert code_in(post(phone, {"From": f"whatsapp:{sender}", "Body": "Ilunga"}))
    assert [row for row in shared.records() if row["phone_number"] == sender]


def test_the_older_name_of_the_message_id_is_known(phone):
    phone.say("Bonjour")
    first = post(phone, {"Body": "1985", "MessageSid": None, "SmsSid": "SMold"})
    again = post(phone, {"Body": "1985", "MessageSid": None, "SmsSid": "SMold"})
    assert question(1) in first and again == first


@pytest.mark.parametrize("content_type", [FORM + "\t; charset=utf-8", FORM + "\t", FORM + " ;charset=utf-8"])
def test_white_space_behind_the_content_type(phone, content_type):
    assert message("welcome") in post(phone, {"Body": "Bonjour"}, content_type)


def test_a_caption_is_an_answer_and_the_name_of_a_document_is_not(phone):
    phone.say_all("Bonjour", "1985")
    document = {"NumMedia": "1", "MediaContentType0": "application/pdf", "MessageType": "document"}
    assert question(1) in post(phone, {**document, "Body": "carte.pdf"})
    film = {"NumMedia": "1", "MediaContentType0": "video/mp4", "MessageType": "video"}
    assert question(2) in post(phone, {**film, "Body": "Kinshasa"})


def test_a_swiped_reply_to_ones_own_message_is_no_answer(phone):
    phone.say_all("Bonjour", "1985")
    swiped = {"Body": "Goma", "OriginalRepliedMessageSid": new_sid(),
              "OriginalRepliedMessageSender": f"whatsapp:{phone.number}"}
    for _ in range(2):
        reply = post(phone, swiped)
        assert message("quoted") in reply and question(1) in reply
    assert question(2) in post(phone, {**swiped, "OriginalRepliedMessageSender": "whatsapp:+14155238886"})


# Meta

@pytest.fixture
def server(start, redis, graph):
    return start(**{**meta.SETTINGS, "META_MESSAGES_PER_SECOND": "0", **graph.settings(),
                    "REDIS_URL": redis.url})


def of_kind(number, kind, inside=None, **more):
    said = {**text(number, ""), "type": kind, **more}
    del said["text"]
    return {**said, kind: inside or {}}


GESTURES = {
    "reaction": {"emoji": "👍"}, "revoke": {"original_message_id": "wamid.x"}, "pin": {}, "system": {},
    "unsupported": {"type": "poll_creation"}, "interactive": {"type": "call_permission_reply"},
}


def got(graph, person, count):
    eventually(lambda: len(graph.got[person]) >= count, f"{count} replies to {person}")
    return graph.got[person]


def test_gestures_and_groups_begin_nothing(server, graph):
    number = meta.new_number()
    with Meta(server) as sender:
        sender.say(*(of_kind(number, kind, inside) for kind, inside in GESTURES.items()),
                   {**text(number, "Bonjour"), "group_id": "g1"})
        assert server.counts()["uic_messages_total"] == 0
        sender.say(text(number, "Bonjour"))
        assert message("welcome") in got(graph, number, 1)[0]
        sender.say(*(of_kind(number, kind, inside) for kind, inside in GESTURES.items()))
        sender.say(text(number, "1985"))
        assert question(1) in got(graph, number, 2)[1]
    assert len(graph.got[number]) == 2


def test_messages_of_one_request_are_ordered_by_their_time(server, graph):
    number, now = meta.new_number(), int(time.time())
    said = ["Bonjour", *JEAN]
    messages = [text(number, what, at=now - 10 + index) for index, what in enumerate(said)]
    with Meta(server) as sender:
        sender.say(*(messages[i] for i in (0, 2, 1, 4, 3, 5)))
    assert code_in(got(graph, number, 6)[5]) == code_of(JEAN)


def test_what_is_a_day_older_than_the_newest_of_its_own_request(server, graph):
    number, now = meta.new_number(), int(time.time())
    with Meta(server) as sender:
        sender.say(text(number, "Bonjour", at=now), text(number, "Goma", at=now - 3 * 86400))
        sender.say(text(number, "1985", at=now + 1))
    replies = got(graph, number, 2)
    assert message("welcome") in replies[0] and question(1) in replies[1]
    assert server.counts()['uic_meta_ignored_total{reason="old"}'] == 1


def test_an_unreadable_number_beside_a_user_id(server, graph):
    said = {**text("+243810000001", "Bonjour"), "from_user_id": "CD.9001"}
    with Meta(server) as sender:
        sender.say(said)
    assert question(0) in got(graph, "CD.9001", 1)[0]


def test_a_user_id_that_only_the_contact_has(server, graph):
    said = text("", "Bonjour")
    del said["from"]
    body = json.loads(request(said))
    value = body["entry"][0]["changes"][0]["value"]
    value["contacts"] = [{"profile": {"name": "A"}, "user_id": "CD.9002"}]
    with Meta(server) as sender:
        assert sender.send(json.dumps(body).encode())[0] == 200
    assert question(0) in got(graph, "CD.9002", 1)[0]


# Undelivered replies

def failed(*errors):
    return {"id": "wamid.x", "status": "failed", "recipient_id": "243810000001",
            "errors": [{"code": code, "title": "x"} for code in errors]}


def test_what_was_not_delivered_leaves_a_trace(start):
    server = start(**meta.SETTINGS, ADMIN_TOKEN=TOKEN)
    with Meta(server) as sender:
        statuses = [failed(131047), failed(131047), failed(131042), {"id": "w", "status": "delivered"},
                    {"id": "w", "status": "read"}]
        assert sender.send(request(statuses=statuses))[0] == 200
        errors = json.loads(request())
        errors["entry"][0]["changes"][0]["value"]["errors"] = [{"code": 131031}, {"code": 130429}]
        assert sender.send(json.dumps(errors).encode())[0] == 200
    counted = server.counts()
    assert {code: counted[f'uic_meta_errors_total{{code="{code}"}}']
            for code in (131047, 131042, 131031, 130429)} == {131047: 2, 131042: 1, 131031: 1, 130429: 1}
    assert counted["uic_meta_account_errors_total"] == 2
    eventually(lambda: "code=130429" in server.log(), "the last line")
    lines = server.log().splitlines()
    assert [line for line in lines if "WARNING" in line and "reply_undelivered" in line
            and "code=131047" in line and "count=2" in line]
    # A second one within the minute is counted only.
    critical, = (line for line in lines if "meta_account_error" in line)
    assert "CRITICAL" in critical and "code=131042" in critical
    assert "243810000001" not in server.log()
    eventually(lambda: stats(server)["replies"]["today"] == {"delivered": 1, "read": 1, "failed": 3},
               "the figures")
