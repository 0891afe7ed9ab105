"""Meta: posts what people write to /whatsapp/meta, signed, as the Cloud API does."""

import hashlib
import hmac
import itertools
import json
import secrets
import time

PATH = "/whatsapp/meta"
NUMBER_ID = "106540352242922"
SECRET = "0123456789abcdef0123456789abcdef"
VERIFY_TOKEN = "lualaba-2026"
# A channel whose replies find nobody: they stay where they wait.
SETTINGS = {
    "META_WHATSAPP_TOKEN": "EAAGexample",
    "META_PHONE_NUMBER_ID": NUMBER_ID,
    "META_VERIFY_TOKEN": VERIFY_TOKEN,
    "META_APP_SECRET": SECRET,
    "META_GRAPH_URL": "http://127.0.0.1:9",
}

_numbers = itertools.count(243820000001)


def new_number():
    """Digits alone, as Meta writes numbers."""
    return str(next(_numbers))


def new_wamid():
    return "wamid." + secrets.token_urlsafe(24)


def text(number, body, wamid=None, at=None):
    """A message as it stands in value.messages."""
    return {"from": number, "id": wamid or new_wamid(), "timestamp": str(int(at or time.time())),
            "type": "text", "text": {"body": body}}


def said_as(message, user_id, hidden=False):
    """The same message of somebody with a user id, who may hide the number."""
    message = {**message, "from_user_id": user_id}
    if hidden:
        del message["from"]
    return message


def button(number, option, title, wamid=None):
    return {**text(number, "", wamid), "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": option, "title": title}}}


def row(number, option, title, wamid=None):
    return {**text(number, "", wamid), "type": "interactive",
            "interactive": {"type": "list_reply", "list_reply": {"id": option, "title": title}}}


def system(change, number=None, wamid=None, **known):
    """A message of the system's; number is the old one."""
    message = text(number or "", "", wamid)
    del message["text"], message["from"]
    return {**message, **({"from": number} if number else {}), "type": "system",
            "system": {"body": "User A changed from B to C", "type": change, **known}}


def request(*messages, number_id=NUMBER_ID, statuses=()):
    """The body of a request with these messages."""
    value = {"messaging_product": "whatsapp",
             "metadata": {"display_phone_number": "243900000000", "phone_number_id": number_id}}
    if messages:
        senders = dict.fromkeys((m.get("from"), m.get("from_user_id")) for m in messages)
        value["contacts"] = [{"profile": {"name": "Exemple"}, **({"wa_id": number} if number else {}),
                              **({"user_id": user_id} if user_id else {})}
                             for number, user_id in senders if number or user_id]
        value["messages"] = list(messages)
    if statuses:
        value["statuses"] = list(statuses)
    return json.dumps({"object": "whatsapp_business_account", "entry": [
        {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}]}).encode()


def signature(body, secret=SECRET):
    return "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


class Meta:
    """Meta's end of a connection to one server, which stays open."""

    def __init__(self, server):
        self.connection = server.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, body, value=None, path=PATH):
        """(status, body) of a POST; value is the signature, '' for none, None for the right one."""
        headers = {"Content-Type": "application/json"}
        value = signature(body) if value is None else value
        if value:
            headers["X-Hub-Signature-256"] = value
        self.connection.request("POST", path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def say(self, *messages):
        """Posts these messages, which must be taken."""
        status, answer = self.send(request(*messages))
        assert (status, answer) == (200, b""), (status, answer)


def waiting(redis):
    """How many replies wait in the queue."""
    return int(redis.command("ZCARD", "uic:replies:ages")[0])
