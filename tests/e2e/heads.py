"""Request heads of every kind, and what a strict reader makes of each: written once more, from RFC 9112
and what the contract adds to it, so that it can be held against the program. A case is a first request
and a marked second one behind it on the same connection."""

import itertools
import random

# What a body holds: if anybody takes it for a request, 410 comes back. And what stands behind.
HIDDEN = b"POST /whatsapp/cleanup HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
SECOND = b"GET /ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
N = b"%d" % len(HIDDEN)

METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", "get"]
OPEN = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"}
HEALTH, WEBHOOK, NOTHING = "/health", "/whatsapp/webhook", "/nothing"
# The target, and the path that it names; None: it names none.
TARGETS = {
    HEALTH: HEALTH, WEBHOOK: WEBHOOK, NOTHING: NOTHING, "/health?a=b:c//d": HEALTH, "/health/": NOTHING,
    "http://h/health": HEALTH, "HTTPS://h.example:8443/whatsapp/webhook": WEBHOOK,
    "http://other.example?x": "/", "http://h:/": "/", "*": "*",
    "//health": None, "//h:x/health": None, "http:///health": None, "http://": None,
    "http://h:99999/health": None, "http://a@h/health": None, "http://[::1/health": None,
    "ftp://h/health": None, "http:/health": None, "h:80": None, "health": None, "**": None,
}
VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1"]
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)

# How a body is announced and sent: header lines, bytes, and what it is: none, length, chunked, or bad.
FRAMINGS = {
    "none": ([], b"", "none"),
    "length": ([b"Content-Length: " + N], HIDDEN, "length"),
    "length 0": ([b"Content-Length: 0"], b"", "length"),
    "length in zeros": ([b"Content-Length: 000" + N], HIDDEN, "length"),
    "two equal lengths": ([b"Content-Length: " + N] * 2, HIDDEN, "bad"),
    "two lengths": ([b"Content-Length: 0", b"Content-Length: " + N], HIDDEN, "bad"),
    "two lengths, the shorter behind": ([b"Content-Length: " + N, b"content-length: 0"], HIDDEN, "bad"),
    "a length with a space": ([b"Content-Length: " + N[:1] + b" " + N[1:]], HIDDEN, "bad"),
    "a list of lengths": ([b"Content-Length: " + N + b", " + N], HIDDEN, "bad"),
    "a signed length": ([b"Content-Length: +" + N], HIDDEN, "bad"),
    "a negative length": ([b"Content-Length: -" + N], HIDDEN, "bad"),
    "a length in hex": ([b"Content-Length: 0x%x" % len(HIDDEN)], HIDDEN, "bad"),
    "a length over the limit": ([b"Content-Length: %d" % (1200 * len(HIDDEN))], 1200 * HIDDEN, "bad"),
    "no length": ([b"Content-Length:"], HIDDEN, "bad"),
    "a huge length": ([b"Content-Length: 18446744073709551616"], HIDDEN, "bad"),
    "chunked": ([b"Transfer-Encoding: chunked"], CHUNKED, "chunked"),
    "chunked in capitals": ([b"TRANSFER-ENCODING: Chunked"], CHUNKED, "chunked"),
    "chunked, empty": ([b"Transfer-Encoding: chunked"], b"0\r\n\r\n", "chunked"),
    "chunked in pieces": ([b"Transfer-Encoding: chunked"],
                          b"".join(b"1\r\n%c\r\n" % byte for byte in HIDDEN) + b"000\r\n\r\n", "chunked"),
    "chunked and a length": ([b"Transfer-Encoding: chunked", b"Content-Length: " + N], CHUNKED, "bad"),
    "a length and chunked": ([b"Content-Length: 4", b"Transfer-Encoding: chunked"], CHUNKED, "bad"),
    "chunked twice": ([b"Transfer-Encoding: chunked"] * 2, CHUNKED, "bad"),
    "chunked behind gzip": ([b"Transfer-Encoding: gzip, chunked"], CHUNKED, "bad"),
    "chunked before gzip": ([b"Transfer-Encoding: chunked, gzip"], CHUNKED, "bad"),
    "chunked behind identity": ([b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"], CHUNKED,
                                "bad"),
    "identity": ([b"Transfer-Encoding: identity"], HIDDEN, "bad"),
    "no coding": ([b"Transfer-Encoding:"], CHUNKED, "bad"),
    "chunked behind a tab": ([b"Transfer-Encoding:\tchunked"], CHUNKED, "bad"),
    "chunk ed": ([b"Transfer-Encoding: chunk ed"], CHUNKED, "bad"),
    "xchunked": ([b"Transfer-Encoding: xchunked"], CHUNKED, "bad"),
    "an extension": ([b"Transfer-Encoding: chunked"], CHUNKED.replace(b"\r\n", b";a=b\r\n", 1), "bad pieces"),
    "a space behind the size": ([b"Transfer-Encoding: chunked"], CHUNKED.replace(b"\r\n", b" \r\n", 1),
                                "bad pieces"),
    "a space before the size": ([b"Transfer-Encoding: chunked"], b" " + CHUNKED, "bad pieces"),
    "a signed size": ([b"Transfer-Encoding: chunked"], b"+" + CHUNKED, "bad pieces"),
    "a size with 0x": ([b"Transfer-Encoding: chunked"], b"0x" + CHUNKED, "bad pieces"),
    "no size": ([b"Transfer-Encoding: chunked"], b"\r\n" + CHUNKED, "bad pieces"),
    "a huge size": ([b"Transfer-Encoding: chunked"], b"1" * 17 + b"\r\n" + CHUNKED, "bad pieces"),
    "a size that ends in LF": ([b"Transfer-Encoding: chunked"], CHUNKED.replace(b"\r\n", b"\n", 1),
                               "bad pieces"),
    "more than the size": ([b"Transfer-Encoding: chunked"], b"3\r\nabcd\r\n0\r\n\r\n", "bad pieces"),
    "a chunk that ends in LF": ([b"Transfer-Encoding: chunked"], b"3\r\nabc\n0\r\n\r\n", "bad pieces"),
    "no end of a chunk": ([b"Transfer-Encoding: chunked"], b"3\r\nabc0\r\n\r\n", "bad pieces"),
    "a trailer": ([b"Transfer-Encoding: chunked"], CHUNKED[:-2] + b"X-Forwarded-For: 192.0.2.1\r\n\r\n",
                  "bad pieces"),
    "the end in LF": ([b"Transfer-Encoding: chunked"], CHUNKED[:-2] + b"\n", "bad pieces"),
}

# Header lines, and whether the connection ends behind the answer.
CONNECTIONS = {
    "none": ([], False),
    "close": ([b"Connection: close"], True),
    "Close": ([b"connection: Close"], True),
    "keep-alive": ([b"Connection: keep-alive"], False),
    "a list with close": ([b"Connection: TE, close"], True),
    "a list without": ([b"Connection: keep-alive, TE"], False),
    "twice": ([b"Connection: keep-alive", b"Connection: close"], True),
    "closer": ([b"Connection: closer"], False),
    "upgrade": ([b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"], False),
    "websocket": ([b"Connection: Upgrade", b"Upgrade: websocket"], False),
    "a proxy's": ([b"Proxy-Connection: close"], False),
}
# More lines; True: the head stays good.
EXTRAS = {
    "none": ([b"Host: h"], True),
    "expect": ([b"Host: h", b"Expect: 100-continue"], True),
    "Expect": ([b"Host: h", b"expect:100-Continue"], True),
    "another expectation": ([b"Host: h", b"Expect: miracles"], False),
    "a broken expectation": ([b"Host: h", b"Expect: 100 -continue"], False),
    "two expectations": ([b"Host: h", b"Expect: 100-continue", b"Expect: x"], False),
    "no space": ([b"Host:h", b"X-A:b"], True),
    "spaces": ([b"Host:   h  ", b"X-A: \t b \t"], True),
    "a tab before a name": ([b"Host: h", b"\tX-A: b"], False),
    "a space before the colon": ([b"Host: h", b"X-A : b"], False),
    "a folded line": ([b"Host: h", b"X-A: b", b" c: d"], False),
    "a bare CR": ([b"Host: h", b"X-A: b\rX-B: c"], False),
    "a bare LF": ([b"Host: h", b"X-A: b\nX-B: c"], False),
    "a NUL": ([b"Host: h", b"X-A: b\0c"], False),
    "two hosts": ([b"Host: h", b"Host: h"], False),
    "a name like a length": ([b"Host: h", b"Content-Length-: 5", b"X-Content-Length: 5"], True),
    "many": ([b"Host: h"] + [b"X-%d: %s" % (i, b"a" * 20) for i in range(60)], True),
    "too many": ([b"Host: h"] + [b"X:"] * 200, False),
}


class Case:
    """One first request. served: whether it gets an answer of its path; else it is refused."""

    def __init__(self, method, target, version, framing, connection, extra, order=0):
        lines, self.body, kind = FRAMINGS[framing]
        connection_lines, closes = CONNECTIONS[connection]
        extra_lines, good = EXTRAS[extra]
        headers = [*extra_lines, *lines, *connection_lines, b"Content-Type: application/x-www-form-urlencoded"]
        if order and good:
            headers = headers[order % len(headers):] + headers[:order % len(headers)]
        self.name = f"{method} {target} {version}, {framing}, {connection}, {extra}, {order}"
        self.method, self.path, self.kind = method, TARGETS[target], kind
        self.head = f"{method} {target} {version}\r\n".encode() + b"".join(h + b"\r\n" for h in headers) + b"\r\n"
        self.closes = closes or version == "HTTP/1.0" or "://" in target
        allowed = {"none"} if method != "POST" else {"none", "length", "chunked"}
        if version == "HTTP/1.0":
            allowed.discard("chunked")
        self.served = (method in OPEN and version in ("HTTP/1.0", "HTTP/1.1") and good
                       and self.path is not None and (self.path != "*" or method == "OPTIONS")
                       and kind in allowed)
        self.bytes = self.head + self.body + SECOND

    def status(self):
        """What its path answers, as a set."""
        takes = {"/": {"GET", "HEAD"}, HEALTH: {"GET", "HEAD"}, WEBHOOK: {"POST"}, "*": set()}.get(self.path)
        if takes is None:
            return {404}
        if self.method == "OPTIONS":
            return {204}
        if self.method not in takes:
            return {405}
        return {400} if self.method == "POST" else {200}  # the form names no sender


def pipelines(count):
    """Several good requests behind each other, the last of which ends the connection."""
    dice = random.Random(16)
    good = [case for case in all_cases(8000) if case.served]
    open_ones, last_ones = ([case for case in good if case.closes == closes] for closes in (False, True))
    for _ in range(count):
        yield dice.choices(open_ones, k=dice.randrange(1, 12)) + [dice.choice(last_ones)]


def all_cases(count):
    """Everything together with everything that decides where a request ends, and then by chance until
    there are so many."""
    for method, framing, connection, version in itertools.product(
            METHODS[:8], FRAMINGS, ["none", "close", "keep-alive"], VERSIONS[:2]):
        yield Case(method, HEALTH if method != "POST" else WEBHOOK, version, framing, connection, "none")
        count -= 1
    for method, target, version in itertools.product(METHODS, TARGETS, VERSIONS[:2]):
        yield Case(method, target, version, "none", "none", "none")
        count -= 1
    dice = random.Random(14)
    good = {True: [name for name, (_, _, kind) in FRAMINGS.items() if kind in ("none", "length", "chunked")],
            False: ["none"]}

    # Mostly good in most things, so that what is bad in one is seen behind what is good in others.
    def pick(kinds, bad=0.3):
        return dice.choice(list(kinds)) if dice.random() < bad else next(iter(kinds))

    for _ in range(count):
        method = dice.choice(METHODS[:4]) if dice.random() < 0.8 else dice.choice(METHODS)
        framing = dice.choice(list(FRAMINGS) if dice.random() < 0.4 else good[method == "POST"])
        yield Case(method, pick(TARGETS, 0.5), pick(VERSIONS), framing, pick(CONNECTIONS, 0.5),
                   pick(EXTRAS), dice.randrange(8))
