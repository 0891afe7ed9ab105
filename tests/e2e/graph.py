"""A stand-in for Meta's Graph API: HTTPS under a test authority's certificate, on a port of its own.
It takes what the Cloud API documents and refuses what Meta refuses; it can throttle, fail, break
connections and answer late; and it remembers what each person got, in order."""

import asyncio
import json
import random
import re
import ssl
import subprocess
import threading
from collections import Counter, defaultdict

from processes import Running

TOKEN = "EAAGtest0token"
PHONE_NUMBER_ID = "106540352242922"
VERSION = "v25.0"

# What may go wrong with a request; the first word of a plan. "raw STATUS BODY" is what somebody
# between us and Meta answers, who does not pass the message on.
FAULTS = ("429", "4", "613", "80007", "130429", "131048", "131056", "131064", "133016", "500", "503",
          "190", "131026", "before", "after", "late", "garbage", "raw")


class Refusal(Exception):
    """An error as the Graph API tells it."""

    def __init__(self, status, code, message, subcode=None, headers=None):
        super().__init__(message)
        self.status, self.code, self.subcode = status, code, subcode
        self.headers = headers or {}

    def body(self):
        error = {"message": f"(#{self.code}) {self}", "type": "OAuthException", "code": self.code,
                 "error_data": {"messaging_product": "whatsapp", "details": str(self)},
                 "fbtrace_id": "AbC123-trace_id"}
        if self.subcode:
            error["error_subcode"] = self.subcode
        return {"error": error}


LIMITS = {"4": (400, "Application request limit reached"), "613": (400, "Calls have exceeded the limit"),
          "131064": (400, "Limit of the account"), "80007": (400, "Rate limit issues"),
          "130429": (429, "Rate limit hit"), "131048": (400, "Spam rate limit hit"),
          "131056": (400, "Pair rate limit hit"), "133016": (400, "Account register rate limit")}


# The schema of what may be posted to /messages, as documented for text and interactive messages.

def need(condition, what):
    if not condition:
        raise Refusal(400, 100, f"Invalid parameter: {what}")


def text_of(value, most, what, least=1):
    need(isinstance(value, str) and least <= len(value) <= most, what)


def only(value, required, optional=()):
    need(isinstance(value, dict), "not an object")
    need(set(required) <= set(value) <= set(required) | set(optional), f"keys {sorted(value)}")


def check_buttons(action):
    only(action, ["buttons"])
    need(isinstance(action["buttons"], list) and 1 <= len(action["buttons"]) <= 3, "1 to 3 buttons")
    for button in action["buttons"]:
        only(button, ["type", "reply"])
        need(button["type"] == "reply", "button type")
        only(button["reply"], ["id", "title"])
        text_of(button["reply"]["id"], 256, "button id")
        text_of(button["reply"]["title"], 20, "button title")
    for key in ("id", "title"):
        values = [button["reply"][key] for button in action["buttons"]]
        need(len(set(values)) == len(values), f"button {key}s differ")


def check_list(action):
    only(action, ["button", "sections"])
    text_of(action["button"], 20, "text of the list's button")
    sections = action["sections"]
    need(isinstance(sections, list) and 1 <= len(sections) <= 10, "1 to 10 sections")
    rows = []
    for section in sections:
        only(section, ["rows"], ["title"])
        need("title" in section or len(sections) == 1, "sections have titles")
        text_of(section.get("title", "x"), 24, "section title")
        need(isinstance(section["rows"], list), "rows")
        rows += section["rows"]
    need(1 <= len(rows) <= 10, "1 to 10 rows")
    for row in rows:
        only(row, ["id", "title"], ["description"])
        text_of(row["id"], 200, "row id")
        text_of(row["title"], 24, "row title")
        text_of(row.get("description", "x"), 72, "row description")
    need(len({row["id"] for row in rows}) == len(rows), "row ids differ")


def check_interactive(interactive):
    only(interactive, ["type", "body", "action"], ["header", "footer"])
    only(interactive["body"], ["text"])
    text_of(interactive["body"]["text"], 1024, "body")
    if "footer" in interactive:
        only(interactive["footer"], ["text"])
        text_of(interactive["footer"]["text"], 60, "footer")
    if "header" in interactive:
        only(interactive["header"], ["type", "text"])
        text_of(interactive["header"]["text"], 60, "header")
    need(interactive["type"] in ("button", "list"), "interactive type")
    (check_buttons if interactive["type"] == "button" else check_list)(interactive["action"])


def check_message(message):
    """Raises Refusal for what Meta refuses; returns to whom it goes and what the person reads."""
    need(isinstance(message, dict), "not an object")
    kind = message.get("type", "text")
    need(kind in ("text", "interactive"), "type")
    only(message, ["messaging_product", kind], ["recipient_type", "to", "recipient", "type", "context"])
    need(message["messaging_product"] == "whatsapp", "messaging_product")
    need(message.get("recipient_type", "individual") == "individual", "recipient_type")
    need(("to" in message) != ("recipient" in message), "either to or recipient")
    if "to" in message:
        need(isinstance(message["to"], str) and re.fullmatch(r"\+?[0-9]{5,20}", message["to"]), "to")
    else:
        need(isinstance(message["recipient"], str) and
             re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9.]{1,128}", message["recipient"]), "recipient")
    if "context" in message:
        only(message["context"], ["message_id"])
    person = message.get("to", "").removeprefix("+") or message["recipient"]
    if kind == "interactive":
        check_interactive(message["interactive"])
        return person, message["interactive"]["body"]["text"]
    only(message["text"], ["body"], ["preview_url"])
    text_of(message["text"]["body"], 4096, "text")
    need(isinstance(message["text"].get("preview_url", False), bool), "preview_url")
    return person, message["text"]["body"]


class Graph(Running):
    """`plan(person, text, attempt)` says what goes wrong with a request: one of FAULTS, or None.
    attempt counts from 1 the requests that brought this text to this person."""

    def __init__(self, directory, plan=None):
        self.directory = directory
        self.plan = plan or (lambda person, text, attempt: None)
        self.got = defaultdict(list)       # person -> texts, in the order in which they came
        self.messages = defaultdict(list)  # person -> what was posted, likewise
        self.refused = []                  # Refusals of what should never have been posted
        self.faults = Counter()            # what went wrong, by name
        self.requests = 0
        self.connections = 0
        self.token = TOKEN
        self.retry_after = None
        self.late_seconds = 1
        self.now_open = set()
        self._attempts = Counter()
        self._under_way = Counter()
        self.overlaps = 0  # a person's message came while one of his was being answered

    # Life

    def make_certificates(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                           cwd=self.directory)

        openssl("req", "-x509", *curve, "-days", 2, "-subj", "/CN=test authority",
                "-keyout", "ca-key.pem", "-out", "ca.pem")
        openssl("req", *curve, "-subj", "/CN=graph", "-keyout", "key.pem", "-out", "request.pem")
        (self.directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
                "-CAcreateserial", "-days", 2, "-extfile", "names", "-out", "certificate.pem")

    def start(self, port=0):
        if not (self.directory / "certificate.pem").exists():
            self.make_certificates()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "certificate.pem", self.directory / "key.pem")
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(context, port, ready), daemon=True)
        self.thread.start()
        assert ready.wait(30)

    def _run(self, context, port, ready):
        async def serve():
            self._loop = asyncio.get_running_loop()
            self._end = asyncio.Event()
            server = await asyncio.start_server(self._connection, "127.0.0.1", port, ssl=context,
                                                backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._end.wait()
            server.close()
            for writer in list(self.now_open):
                writer.transport.abort()
            await asyncio.sleep(0)

        asyncio.run(serve())

    def stop(self):
        """Nobody listens any more; start(port) goes on with what is remembered."""
        self._loop.call_soon_threadsafe(self._end.set)
        self.thread.join(30)
        assert not self.thread.is_alive()

    def settings(self, **more):
        """What whatsapp-uic needs to know of this server."""
        return {"META_GRAPH_URL": f"https://localhost:{self.port}", "META_GRAPH_VERSION": VERSION,
                "META_WHATSAPP_TOKEN": TOKEN, "META_PHONE_NUMBER_ID": PHONE_NUMBER_ID,
                "META_CA_FILE": self.directory / "ca.pem", **more}

    # HTTP

    async def _connection(self, reader, writer):
        self.connections += 1
        self.now_open.add(writer)
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.now_open.discard(writer)
            writer.transport.abort()

    async def _request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip()
                   for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        self.requests += 1
        return await self._answer(writer, method, path, headers, body)

    async def _answer(self, writer, method, path, headers, body):
        try:
            self._check_request(method, path, headers)
            if method == "GET":
                return await self._send(writer, 200, {
                    "id": PHONE_NUMBER_ID, "display_phone_number": "+243 81 000 0000",
                    "verified_name": "CIU", "quality_rating": "GREEN"})
            try:
                message = json.loads(body)
                person, text = check_message(message)
            except (ValueError, KeyError, Refusal) as error:
                self.refused.append(error)
                raise error if isinstance(error, Refusal) else Refusal(400, 100, f"{error}") from error
            return await self._take(writer, person, text, message)
        except Refusal as refusal:
            return await self._send(writer, refusal.status, refusal.body(), refusal.headers)

    def _check_request(self, method, path, headers):
        path, _, _ = path.partition("?")
        number = f"/{VERSION}/{PHONE_NUMBER_ID}"
        if headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, 190, "Error validating access token: Session has expired", 463)
        if (method, path) not in (("POST", number + "/messages"), ("GET", number)):
            raise Refusal(400, 100, "Unsupported request. Object does not exist", 33)
        if method == "POST" and headers.get("content-type") != "application/json":
            raise Refusal(400, 100, "not JSON")

    async def _take(self, writer, person, text, message):
        self._attempts[person, text] += 1
        attempt = self._attempts[person, text]
        fault = self.plan(person, text, attempt)
        if fault:
            self.faults[fault] += 1
        if self._under_way[person]:
            self.overlaps += 1
        if fault == "before":
            writer.transport.abort()
            return False
        if fault and fault.startswith("raw "):
            _, status, answer = fault.split(" ", 2)
            return await self._send(writer, int(status), answer, raw=True)
        if fault in LIMITS:
            status, words = LIMITS[fault]
            raise Refusal(status, int(fault), words)
        if fault == "429":
            raise Refusal(429, 0, "Too Many Requests",
                          headers={"Retry-After": self.retry_after} if self.retry_after else {})
        if fault in ("500", "503"):
            raise Refusal(int(fault), 131000, "Something went wrong")
        if fault == "190":
            raise Refusal(401, 190, "Error validating access token: Session has expired", 463)
        if fault == "131026":
            raise Refusal(400, 131026, "Message undeliverable")
        self.got[person].append(text)
        self.messages[person].append(message)
        if fault == "after":
            writer.transport.abort()
            return False
        if fault == "late":
            self._under_way[person] += 1
            try:
                await asyncio.sleep(self.late_seconds)
            finally:
                self._under_way[person] -= 1
        if fault == "garbage":
            return await self._send(writer, 200, "<html>", raw=True)
        return await self._send(writer, 200, {
            "messaging_product": "whatsapp", "contacts": [{"input": person, "wa_id": person}],
            "messages": [{"id": f"wamid.{person}.{len(self.got[person])}"}]})

    async def _send(self, writer, status, answer, headers=None, raw=False):
        body = (answer if raw else json.dumps(answer)).encode()
        lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json; charset=UTF-8",
                 f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        await writer.drain()
        return True


def storm(seed, breaks=0.01, throttled=0.05):
    """A plan by chance: breaks before and after handling, and throttling of each kind."""
    chance = random.Random(seed)

    def plan(person, text, attempt):
        draw = chance.random()
        if draw < breaks:
            return chance.choice(("before", "after"))
        if draw < breaks + throttled:
            return chance.choice(("429", "130429", "131056"))
        return None

    return plan


def text_message(person, text):
    """The body of a reply, as the channel makes it."""
    return {"messaging_product": "whatsapp", "recipient_type": "individual", "to": person,
            "type": "text", "text": {"preview_url": False, "body": text}}
