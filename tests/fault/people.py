"""People who write to the service while it is being broken, the provider that forwards what they
write, and the memory of everything that they were told.

A message is delivered as Twilio does it: again with the same MessageSid, over another route, when
the connection broke or the answer was 5xx. Who is told "unavailable" either has the message
delivered once more or writes the same again as a new message, as a person does. All choices come
from a seed; which of them meet a fault is up to the machine.
"""

import asyncio
import itertools
import random
import sys
import time
from collections import Counter
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from texts import CODE_LINE, PLACES, message, name_of, question  # noqa: E402

PROVIDER_PATIENCE = 15.0  # Twilio's
PERSON_PATIENCE = 120.0  # how long anybody goes on trying
REMEMBERED = 8  # ids of messages that a session remembers

UNAVAILABLE = message("unavailable")
WELCOME, EXPIRED = message("welcome"), message("expired")
QUESTIONS = [question(step) for step in range(5)]
CODE_TEXTS = {kind: message(kind, code="\0").split("\0")[0] for kind in ("new_code", "existing_code")}


def meaning(reply):
    """What a reply says: ("question", 2), ("welcome", 0), ("new_code", CODE), ("nothing", None)…"""
    if reply == "":
        return "nothing", None
    codes = CODE_LINE.findall(reply)
    if codes:
        kinds = [kind for kind, text in CODE_TEXTS.items() if reply.startswith(text)]
        return (kinds[0], codes[0]) if len(codes) == len(kinds) == 1 else ("riddle", reply)
    steps = [step for step, text in enumerate(QUESTIONS) if text in reply]
    if len(steps) != 1:
        return "riddle", reply
    for kind, text in (("welcome", WELCOME), ("expired", EXPIRED)):
        if text in reply:
            return kind, steps[0]
    return "question", steps[0]


class WrongStep(Exception):
    """A reply that does not follow from what was said before."""


class Wire:
    """One connection to one port, opened when it is needed; HTTP/1.1 with as little as it needs."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def post(self, body):
        """(status, body). Any failure closes the connection and is raised."""
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writer.write(
                b"POST /whatsapp/webhook HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            answer = await self.reader.readexactly(int(fields["content-length"]))
        except BaseException:
            self.close()
            raise
        if fields.get("connection") == "close":
            self.close()
        return int(head.split()[1]), answer.decode()

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Provider:
    """Forwards messages over several routes and tries again until one is answered."""

    def __init__(self, ports):
        self.ports = ports
        self.idle = {port: [] for port in ports}
        self.counts = Counter()
        self.unanswered = set()  # ids of messages of which a delivery remained without an answer

    async def _post(self, port, body):
        wire = self.idle[port].pop() if self.idle[port] else Wire(port)
        try:
            return await asyncio.wait_for(wire.post(body), PROVIDER_PATIENCE)
        finally:
            self.idle[port].append(wire)

    async def deliver(self, rng, number, text, sid, first_route=None):
        """The text of the reply; None when there was none for as long as a person waits."""
        body = urlencode({"MessageSid": sid, "From": f"whatsapp:{number}", "Body": text,
                          "To": "whatsapp:+14155238886", "NumMedia": "0"}).encode()
        loop = asyncio.get_running_loop()
        end = loop.time() + PERSON_PATIENCE
        port = first_route or rng.choice(self.ports)
        while loop.time() < end:
            self.counts["deliveries"] += 1
            try:
                status, answer = await self._post(port, body)
                if status == 200:
                    return unescape(answer.partition("<Body>")[2].partition("</Body>")[0])
                self.counts[f"status {status}"] += 1
                if status < 500:
                    raise WrongStep(f"status {status}: {answer[:200]}")
            except (OSError, EOFError, asyncio.IncompleteReadError):
                self.counts["broken connections"] += 1
            except asyncio.TimeoutError:
                self.counts["timeouts"] += 1
            self.unanswered.add(sid)
            await asyncio.sleep(rng.uniform(0.05, 0.5))
            port = rng.choice(self.ports)
        return None

    def close(self):
        for wires in self.idle.values():
            for wire in wires:
                wire.close()


class Final:
    """A last answer that was sent: of whom, which code came back for it, if any, and how long after
    the person had first sent it."""

    def __init__(self, number, identity, sid):
        self.number = number
        self.identity = identity
        self.sid = sid
        self.kind = self.code = self.reply = None
        self.began = self.ended = None


class Crowd:
    """All people of a run, and what became of them."""

    def __init__(self, provider, seed, write_again=0.5, run=1):
        self.provider = provider
        self.seed = seed
        self.write_again = write_again  # who was told "unavailable": which share does it
        self.run = run
        self.finals = []
        self.wrong = []  # one line for each reply that was not the right one
        self.counts = Counter()
        self.finished = 0
        self.closing = False  # set from outside: nobody begins any more

    async def play(self, at_once):
        """One person after the other, so many at the same time, until closing is set."""
        people = itertools.count()

        async def one_after_the_other():
            for index in people:
                if self.closing:
                    return
                await Person(self, index).live()
                self.finished += 1

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))

    async def much_later(self, forget_sessions):
        """Days later some last answers are delivered again: nothing is left of the session, so
        they are a greeting like any other; and no count may change."""
        told = list({f.number: f for f in self.finals if f.reply is not None}.values())
        rng = random.Random(f"{self.seed}/later")
        await asyncio.to_thread(forget_sessions)
        for final in rng.sample(told, min(len(told), 200)):
            reply = await self.provider.deliver(rng, final.number, "Kabila", final.sid)
            self.counts["redelivered much later"] += 1
            if reply != UNAVAILABLE and meaning(reply or "") != ("welcome", 0):
                self.wrong.append(f"{final.number}: days later {reply!r}")


class Person:
    """One phone. Every tenth person has the answers of the one before: a nurse's second phone, or
    someone who knows them."""

    def __init__(self, crowd, index):
        self.crowd = crowd
        self.provider = crowd.provider
        self.rng = random.Random(f"{crowd.seed}/{index}")
        self.twin = index % 10 in (8, 9)
        identity = index - 1 if index % 10 == 9 else index
        self.number = f"+2438{crowd.run % 1000:03}{index:07}"
        self.answers = [str(1930 + identity % 90), PLACES[identity % 8], name_of(identity + 256),
                        str(1 + identity % 28), name_of(crowd.run + 256) + name_of(identity + 16)]
        self.handled = []  # (sid, text, reply), in the order of their effect
        self.late = []  # (how many messages later, index in handled)
        self.registered = False  # whether an earlier last answer may be in the database

    def new_sid(self):
        return f"SM{self.rng.getrandbits(128):032x}"

    async def live(self):
        try:
            await self.converse()
            if self.rng.random() < 0.1:
                self.crowd.counts["conversations repeated"] += 1
                await self.converse()
        except WrongStep as wrong:
            self.crowd.wrong.append(f"{self.number}: {wrong}")

    async def converse(self):
        rng = self.rng
        wrong_at = rng.randrange(5) if rng.random() < 0.15 else None
        both_at = rng.randrange(6) if rng.random() < 0.15 else None
        crossing = not self.twin and rng.random() < 0.1

        await self.step("Bonjour", ("welcome", 0), both_at == 0)
        step = 0
        while step < 4:
            if step == wrong_at:
                wrong_at = None
                await self.step("?!", ("question", step), False)
            elif step == 1 and crossing:
                await self.cross()
                step += 2
            else:
                step += 1
                await self.step(self.answers[step - 1], ("question", step), both_at == step)
        if wrong_at == 4:
            await self.step("?!", ("question", 4), False)
        await self.finish(both_at == 5)
        self.crowd.counts["conversations"] += 1

    async def step(self, text, expected, both):
        """One message that is not the last, until it has its effect."""
        sid = self.new_sid()
        reply = await self.say(text, sid, both)
        while reply == UNAVAILABLE:
            sid = await self.wait_and_choose(sid)
            reply = await self.say(text, sid, False)
        if meaning(reply) != expected:
            raise WrongStep(f"said {text!r}, expected {expected}, got {meaning(reply)} after "
                            f"{[(told, meaning(to)) for _, told, to in self.handled[-3:]]}")
        await self.took_effect(sid, text, reply)

    async def say(self, text, sid, both, first_route=None):
        if both:
            return await self.say_to_both(text, sid)
        self.crowd.counts["messages"] += 1
        reply = await self.provider.deliver(self.rng, self.number, text, sid, first_route)
        if reply is None:
            raise WrongStep(f"no answer to {text!r}")
        if reply == UNAVAILABLE:
            self.crowd.counts["told unavailable"] += 1
        return reply

    async def say_to_both(self, text, sid):
        """The same message to both instances at the same time: both tell the same."""
        self.crowd.counts["delivered to both at once"] += 1
        replies = await asyncio.gather(*(
            self.say(text, sid, False, route) for route in self.provider.ports[:2]))
        told = [reply for reply in replies if reply != UNAVAILABLE]
        if len(set(told)) > 1:
            raise WrongStep(f"{text!r} to both at once: {[meaning(reply) for reply in told]}")
        return told[0] if told else UNAVAILABLE

    async def wait_and_choose(self, sid):
        """Told "unavailable", after a while: the same message delivered again, or a new one. Always
        the same one if an earlier delivery may have had its effect, with the answer lost."""
        if sid in self.provider.unanswered or self.rng.random() >= self.crowd.write_again:
            await asyncio.sleep(self.rng.uniform(0.3, 1.5))
            return sid
        # Two messages within a few seconds count as sent at once.
        await asyncio.sleep(self.rng.uniform(6.1, 7.5))
        self.crowd.counts["written again by the person"] += 1
        return self.new_sid()

    async def cross(self):
        """Place and first name at the same time, to both instances: whichever is taken first is the
        place. Which one that was the replies tell."""
        self.crowd.counts["two answers at once"] += 1
        texts, sids = self.answers[1:3], [self.new_sid(), self.new_sid()]
        replies = list(await asyncio.gather(*(
            self.say(text, sid, False, route)
            for text, sid, route in zip(texts, sids, self.provider.ports))))
        for _ in range(100):
            if UNAVAILABLE not in replies:
                break
            await asyncio.sleep(0.5)
            at = replies.index(UNAVAILABLE)
            # With the same id: the other one may be in already, or not, and the order is open.
            replies[at] = await self.say(texts[at], sids[at], False)
        told = [meaning(reply) for reply in replies]
        order = {(("question", 2), ("question", 3)): (0, 1),
                 (("nothing", None), ("question", 3)): (0, 1),
                 (("question", 3), ("question", 2)): (1, 0),
                 (("question", 3), ("nothing", None)): (1, 0)}.get(tuple(told))
        if order is None:
            raise WrongStep(f"two answers at once: {told}")
        self.answers[1:3] = [texts[at] for at in order]
        for at in order:
            self.handled.append((sids[at], texts[at], replies[at]))

    async def finish(self, both):
        """The last answer, until its code is told; then that it is the code of before."""
        text = self.answers[4]
        began = time.monotonic()
        final = self.final()
        reply = await self.say(text, final.sid, both)
        while reply == UNAVAILABLE:
            sid = await self.wait_and_choose(final.sid)
            if sid != final.sid:
                self.registered = True
                self.handled.append((final.sid, text, None))  # it may be remembered, or not
                final = self.final(sid)
            reply = await self.say(text, final.sid, False)
        kind, code = meaning(reply)
        if kind not in CODE_TEXTS:
            raise WrongStep(f"said {text!r}, expected a code, got {kind, code}")
        if kind == "existing_code" and not self.registered:
            raise WrongStep(f"{code} is new, and was told as existing")
        final.kind, final.code, final.reply = kind, code, reply
        final.began, final.ended = began, time.monotonic()
        self.registered = True
        await self.took_effect(final.sid, text, reply)

    def final(self, sid=None):
        final = Final(self.number, tuple(self.answers), sid or self.new_sid())
        self.crowd.finals.append(final)
        return final

    async def took_effect(self, sid, text, reply):
        """A third of the messages is delivered again, at once or some messages later."""
        self.handled.append((sid, text, reply))
        here = len(self.handled) - 1
        if self.rng.random() < 1 / 3:
            self.late.append((here + self.rng.choice((0, 0, 1, 2, 4, 7)), here))
        due = [at for when, at in self.late if when <= here]
        self.late = [(when, at) for when, at in self.late if when > here]
        for at in due:
            await self.redeliver(at, len(self.handled) - 1 - at)

    async def redeliver(self, at, messages_since):
        sid, text, told = self.handled[at]
        if messages_since >= REMEMBERED:
            return
        self.crowd.counts["redelivered"] += 1
        reply = await self.say(text, sid, False)
        if reply == UNAVAILABLE:
            return
        expected = told if messages_since == 0 else ""
        # Who crossed two answers may have got nothing where the reply would be told now.
        if reply != expected and told != "":
            raise WrongStep(f"{text!r} again after {messages_since} messages: {meaning(reply)}, "
                            f"the first time {meaning(told)}")
