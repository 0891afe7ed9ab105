"""A person with a phone: messages as Twilio forwards them, and the TwiML that comes back. And raw
bytes, for requests that no HTTP client would make."""

import base64
import hashlib
import hmac
import http.client
import itertools
import secrets
import threading
import time
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, urlencode

WEBHOOK = "/whatsapp/webhook"
READ_S = 2.1  # what comes sooner is no answer to the question whether it is the same person
SAME_PERSON = "1. Oui, la même personne"
FORM = "application/x-www-form-urlencoded"

_numbers = itertools.count(243810000001)
_numbers_lock = threading.Lock()


def new_number():
    """A number that no test used before."""
    with _numbers_lock:
        return f"+{next(_numbers)}"


def new_sid():
    return "SM" + secrets.token_hex(16)


def twilio_form(number, text, sid, media=0, profile="Somebody", user_id=None):
    """The fields of Twilio's webhook for a WhatsApp message; sid None leaves the ids out, a user_id
    stands beside the number, and number None hides that."""
    if number is None:
        form = twilio_form("", text, sid, media, profile)
        del form["WaId"]
        return {**form, "From": f"whatsapp:{user_id}"}
    form = {
        "NumMedia": str(media),
        "ProfileName": profile,
        "MessageType": "image" if media else "text",
        "WaId": number.lstrip("+"),
        "SmsStatus": "received",
        "Body": text,
        "To": "whatsapp:+14155238886",
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "AccountSid": "AC00000000000000000000000000000000",
        "From": f"whatsapp:{number}",
        "ApiVersion": "2010-04-01",
    }
    if user_id is not None:
        form["ExternalUserId"] = user_id
    if sid is not None:
        form.update(MessageSid=sid, SmsSid=sid, SmsMessageSid=sid)
    for index in range(media):
        form[f"MediaUrl{index}"] = f"https://api.twilio.com/media/{index}"
        form[f"MediaContentType{index}"] = "image/jpeg"
    return form


def signature(token, url, form):
    """Twilio's signature over a public URL and the encoded form, written once more: over bytes, for
    not everything that is signed is UTF-8."""
    fields = sorted(set(parse_qsl(form, keep_blank_values=True, encoding="latin-1")))
    text = url + "".join(key + value for key, value in fields)
    return base64.b64encode(hmac.digest(token.encode(), text.encode("latin-1"), hashlib.sha1)).decode()


def reply_text(xml):
    """The text of a TwiML reply, '' for an empty <Response/>; anything else is a failure."""
    response = ElementTree.fromstring(xml)
    assert response.tag == "Response" and not response.attrib, xml
    if len(response) == 0:
        assert not (response.text or "").strip(), xml
        return ""
    assert [child.tag for child in response] == ["Message"], xml
    assert [child.tag for child in response[0]] == ["Body"], xml
    text = response[0][0].text
    assert text and len(text.encode("utf-16-le")) // 2 <= 1600, xml
    return text


class Phone:
    """One number that writes to one server over a connection that stays open. Where the server has
    a token, requests are signed."""

    user_id = None   # what Twilio brings beside the number,
    hidden = False   # or in its place

    def __init__(self, server, number=None, path=WEBHOOK):
        self.server = server
        self.path = path
        self.number = number or new_number()
        self.last_sid = None
        self.reading = False
        self.hasty = False  # answers before the question can be read
        self.connection = server.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def post(self, body, content_type=FORM):
        """(status, headers, body) of a POST to the webhook, or to another path that takes messages."""
        headers = {"Content-Type": content_type} if content_type else {}
        token = self.server.settings.get("TWILIO_AUTH_TOKEN")
        if token:
            url = self.server.settings["PUBLIC_URL"] + self.path
            headers["X-Twilio-Signature"] = signature(token.split(",")[0], url, body)
        self.connection.request("POST", self.path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def say(self, text, sid="new", media=0, profile="Somebody"):
        """Sends a message and returns the reply's text. sid: a message id to use again, or None."""
        if self.reading and sid == "new" and not self.hasty:
            time.sleep(READ_S)
        self.last_sid = new_sid() if sid == "new" else sid
        number = None if self.hidden else self.number
        form = urlencode(twilio_form(number, text, self.last_sid, media, profile, self.user_id))
        status, headers, body = self.post(form)
        assert status == 200, (status, body)
        assert headers.get_content_type() == "text/xml", headers
        reply = reply_text(body)
        self.reading = SAME_PERSON in reply
        return reply

    def say_all(self, *texts):
        """Sends one message after the other and returns the last reply."""
        replies = [self.say(text) for text in texts]
        return replies[-1]

    def send_photo(self):
        return self.say("", media=1)


class RawAnswer:
    """One HTTP answer, and whether the server closed the connection behind it."""

    def __init__(self, status, headers, body, closed):
        self.status = status
        self.headers = headers
        self.body = body
        self.closed = closed


def exchange_bytes(server, *pieces):
    """Sends these bytes, each piece in a packet of its own, and reads one answer."""
    with server.connect_raw() as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass  # refused before it was all sent; the answer may still be there
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        body = response.read()
        closed = (response.getheader("Connection") or "").lower() == "close"
        if closed:
            try:
                assert connection.recv(1) == b"", "bytes behind an answer that closes"
            except ConnectionResetError:
                pass  # closed while bytes of ours were still unread
        return RawAnswer(response.status, response.headers, body, closed)
