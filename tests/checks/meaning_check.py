#!/usr/bin/env python3
"""Plays conversations in which messages are doubled, cut in the middle of a character, sent again,
swapped, late, swiped, and mixed with gestures, through both channels, and checks that nobody got a record
that nobody meant:

    WHATSAPP_UIC=build/release/whatsapp-uic tests/checks/meaning_check.py --conversations 100000

Half of the people write through Twilio, half through Meta. Each answers the question that the last
reply asked. Exit status 1 when a code is not that of a clean run, when there is a record more or less,
or when a count is not exact.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import meta  # noqa: E402
from crowd import TOKEN, stats  # noqa: E402
from meta_stage import meta_stage  # noqa: E402
from phone import WEBHOOK, new_sid, reply_text, twilio_form  # noqa: E402
from processes import PATIENCE  # noqa: E402
from texts import CODE_LINE, PLACES, code_of, message, question  # noqa: E402
from verdict import exit_status  # noqa: E402

FIRST = ("Jean", "Marie", "Pierre", "Anne", "Joseph", "Rose", "Paul", "Alice", "Luc", "Clarisse")
FAMILY = ("Kabila", "Mukendi", "Ilunga", "Moke", "Tshibangu", "Kalala", "Mbuyi")
NUMBERS = (0, 3)  # the questions that want a number
MISCHIEF = ("gesture", "sent again", "late", "cut", "swapped", "doubled", "swiped")
REPLIES_MAX = 40  # of one conversation; more are an endless one


def answers_of(index):
    """No two alike."""
    rest, place = divmod(index, len(PLACES))
    rest, day = divmod(rest, 28)
    rest, year = divmod(rest, 90)
    return (str(1930 + year), PLACES[place], FIRST[rest % len(FIRST)], str(1 + day),
            FAMILY[rest // len(FIRST) % len(FAMILY)])


class Line:
    """A connection that stays open, and is opened again when it was not."""

    def __init__(self, port):
        self.port = port
        self.writer = None

    async def post(self, path, headers, body):
        """(status, body) of a POST; again and again until there is an answer, as both providers do."""
        while True:
            try:
                if self.writer is None:
                    self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
                status, answer = await asyncio.wait_for(self._once(path, headers, body), 30)
                if status != 503:
                    return status, answer
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                self.writer = None
            await asyncio.sleep(0.1)

    async def _once(self, path, headers, body):
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next(int(line.split(":")[1]) for line in head if line.lower().startswith("content-length"))
        return int(head[0].split(" ")[1]), await self.reader.readexactly(length)


class TwilioPerson:
    """A message is (text, id); what is sent comes with its reply."""

    def __init__(self, index, line, chance):
        self.number, self.line, self.chance = f"+24381{index:07}", line, chance

    def message(self, text, cut=False):
        return quote(text) + ("%20%F0%9F%98" if cut else ""), new_sid()

    async def _post(self, fields, body=None):
        form = urlencode({**twilio_form(self.number, "", None), **fields})
        if body is not None:
            form = form.replace("Body=", "Body=" + body)
        status, answer = await self.line.post(
            WEBHOOK, ["Content-Type: application/x-www-form-urlencoded"], form.encode())
        assert status == 200, (status, answer)
        return reply_text(answer)

    async def send(self, *messages):
        """The replies."""
        replies = []
        for body, sid in messages:
            while (reply := await self._post({"MessageSid": sid}, body)) == message("unavailable"):
                await asyncio.sleep(0.2)  # a store was slow; the message comes again, as it is asked to
            replies.append(reply)
        return replies

    async def again(self, message, last):
        """What comes again gets nothing, or what it got before when it was the last."""
        (reply,) = await self.send(message)
        assert reply in ("", last), f"{message} came again and got {reply}"

    def check(self):
        """Each reply stands in the answer to its message."""

    async def gesture(self):
        kind = self.chance.choice(("reaction", "status", "own"))
        fields = {"reaction": {"MessageType": "reaction", "MessageSid": new_sid()},
                  "status": {"MessageStatus": "delivered", "MessageSid": new_sid()},
                  "own": {"From": "whatsapp:+14155238886", "MessageSid": new_sid()}}[kind]
        return await self._post(fields, "%F0%9F%91%8D" if kind != "status" else None)

    async def late(self):
        """Twilio tells no time."""

    def may_swap(self, step):
        return (step in NUMBERS) != (step + 1 in NUMBERS)

    swipe = None  # Twilio does not tell which message of ours is whose


class MetaPerson:
    """A message is as it stands in value.messages; replies come by the Graph API."""

    def __init__(self, index, line, chance, graph):
        self.number, self.line, self.chance, self.graph = f"24382{index:07}", line, chance, graph
        self.now = int(time.time()) - 60
        self.replies = 0

    def message(self, text, cut=False):
        self.now += self.chance.randrange(1, 4)
        return meta.text(self.number, text + (" \ud83d" if cut else ""), at=self.now)

    async def _post(self, *messages):
        body = meta.request(*messages)
        status, answer = await self.line.post(
            meta.PATH, ["Content-Type: application/json",
                        f"X-Hub-Signature-256: {meta.signature(body)}"], body)
        assert status == 200, (status, answer)

    async def send(self, *messages):
        requests = [messages] if self.chance.random() < 0.5 else [[message] for message in messages]
        before = self.replies
        for one in requests:
            await self._post(*one)
        self.replies += len(messages)
        deadline = time.monotonic() + 60
        while len(self.graph.got[self.number]) < self.replies:
            assert time.monotonic() < deadline, f"{self.number} waits for a reply"
            await asyncio.sleep(0.005)
        return self.graph.got[self.number][before:self.replies]

    async def again(self, message, last):
        await self._post(message)

    def check(self):
        got = self.graph.got[self.number]
        assert len(got) == self.replies, f"{len(got)} replies, not {self.replies}: {got[self.replies:]}"

    async def gesture(self):
        kind = self.chance.choice(("reaction", "pin", "revoke", "system", "group"))
        said = meta.text(self.number, "Oui", at=self.now)
        await self._post({**said, "group_id": "g"} if kind == "group" else {**said, "type": kind})
        return ""

    async def late(self):
        """A message of up to seven days before, that nobody has handled."""
        before = self.chance.randrange(400, self.chance.choice((1, 7)) * 24 * 3600)
        await self._post(meta.text(self.number, self.chance.choice(PLACES + FIRST), at=self.now - before))

    def may_swap(self, step):
        return True

    def swipe(self, message):
        """Makes it a reply to our newest message, or to the one before. Returns whether to the newest."""
        back = self.chance.choice((0, 0, 1))
        message["context"] = {"from": "243900000000", "id": f"wamid.{self.number}.{self.replies - back}"}
        return back == 0


class Play:
    def __init__(self, options, chance):
        self.options, self.chance = options, chance
        self.did, self.wrong = Counter(), []

    def does(self, what, probability):
        if self.chance.random() >= probability * self.options.mischief or what not in self.options.only:
            return False
        self.did[what] += 1
        return True

    async def meddle(self, person, sent, last=""):
        """What must change nothing."""
        if self.does("gesture", 0.15):
            assert await person.gesture() == "", "a gesture was answered"
        if sent and self.does("sent again", 0.15):
            await person.again(self.chance.choice(sent), last)
        if sent and self.does("late", 0.05):
            await person.late()

    async def say(self, person, answers, step, sent):
        """One message or two; the last reply."""
        cut = step not in NUMBERS and self.does("cut", 0.15)
        messages = [person.message(answers[step], cut)]
        if step < 4 and person.may_swap(step) and self.does("swapped", 0.1):
            messages.insert(0, person.message(answers[step + 1]))
        elif self.does("doubled", 0.1):
            messages.append(person.message(answers[step], cut))
        to_newest = (len(messages) == 1 and person.swipe and self.does("swiped", 0.1)
                     and person.swipe(messages[0]))
        sent += messages
        reply = (await person.send(*messages))[-1]
        assert not to_newest or message("quoted") not in reply, "a reply to our newest message is none"
        return reply

    async def converse(self, person, answers):
        """The code that the person was told."""
        sent = [person.message("Bonjour")]
        await self.meddle(person, [])
        reply = (await person.send(*sent))[-1]
        for _ in range(REPLIES_MAX):
            await self.meddle(person, sent, reply)
            if found := CODE_LINE.findall(reply):
                for _ in range(3):
                    await self.meddle(person, sent, reply)
                person.check()
                return found[0]
            asked = [step for step in range(5) if question(step) in reply]
            if asked:
                reply = await self.say(person, answers, asked[-1], sent)
            else:  # they are read back, perhaps
                sent.append(person.message("Oui"))
                reply = (await person.send(sent[-1]))[-1]
        return None

    async def one(self, index, person):
        answers = answers_of(index)
        try:
            code = await self.converse(person, answers)
        except AssertionError as error:
            self.wrong.append(f"{person.number} {answers}: {error}")
            return
        if code != code_of(answers):
            self.wrong.append(f"{person.number} {answers}: got {code}, not {code_of(answers)}")

    async def crowd(self, port, graph):
        indices = iter(range(self.options.conversations))

        async def one_after_another():
            line = Line(port)
            for index in indices:
                person = (MetaPerson(index, line, self.chance, graph) if index % 2
                          else TwilioPerson(index, line, self.chance))
                await self.one(index, person)
            if line.writer is not None:
                line.writer.close()

        await asyncio.gather(*(one_after_another() for _ in range(self.options.at_once)))


def settled_figures(server, wanted):
    """What was counted: workers bring it together once a second, and at an orderly end, which Redis
    outlives."""
    if "REDIS_URL" in server.settings:
        server.stop()
        server.start()
    deadline = time.monotonic() + PATIENCE
    while True:
        told = stats(server)["funnel"]["today"]
        if all(told[name] == wanted[name] for name in wanted) or time.monotonic() > deadline:
            return told
        time.sleep(0.05)


def judge(server, count):
    """What is wrong with records and counts."""
    wrong = []
    records = Counter(row["uic_code"] for row in server.records())
    meant = Counter(code_of(answers_of(index)) for index in range(count))
    wrong += [f"record {code}: {number} times, nobody meant it" for code, number in (records - meant).items()]
    wrong += [f"record {code}: missing" for code in (meant - records)]
    wrong += [f"record {row['uic_code']}: counted {row['request_count']} times"
              for row in server.records() if row["request_count"] != 1]
    wanted = {"started": count, "finished": count, "expired": 0, "stopped": 0}
    told = settled_figures(server, wanted)
    return wrong + [f"{name}: {told[name]} conversations, not {wanted[name]}" for name in wanted
                    if told[name] != wanted[name]]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=64, help="conversations at a time")
    parser.add_argument("--mischief", type=float, default=1, help="0: a clean run; 2: twice as much")
    parser.add_argument("--only", nargs="+", choices=MISCHIEF, default=MISCHIEF, metavar="WHAT",
                        help=f"{', '.join(MISCHIEF)}")
    parser.add_argument("--memory", action="store_true", help="sessions in memory instead of Redis")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def check(options, directory):
    play = Play(options, random.Random(options.seed))
    with meta_stage(directory, in_memory=options.memory, TWILIO_WHATSAPP_NUMBER="whatsapp:+14155238886",
                    ADMIN_TOKEN=TOKEN, SESSION_TIMEOUT_MINUTES="1440",
                    TIME_ZONE="Pacific/Kiritimati") as (graph, _, (server,)):
        began = time.monotonic()
        asyncio.run(play.crowd(server.port, graph))
        seconds = time.monotonic() - began
        wrong = play.wrong + judge(server, options.conversations)
    wrong += [f"refused: {refusal}" for refusal in graph.refused]
    print(f"{options.conversations} conversations in {seconds:.0f} s; {dict(play.did)}")
    return exit_status(wrong)


def main():
    with tempfile.TemporaryDirectory(prefix="uic-meaning-") as directory:
        return check(parse_options(), Path(directory))


if __name__ == "__main__":
    sys.exit(main())
