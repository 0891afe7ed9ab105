"""A TCP proxy that can fail: it stands between a server and its stores, or between a client and a
server, and cuts, holds, delays or falsifies what passes. All of it runs on one asyncio loop."""

import asyncio


class _Side(asyncio.Protocol):
    """One end of a proxied connection; what arrives here leaves at `other`."""

    def __init__(self, proxy, other=None):
        self.proxy = proxy
        self.other = other
        self.is_client = other is None
        self.transport = None
        self.waiting = []  # before the other end is there, or while everything is held
        self.due = 0.0  # when the last bytes that came here leave

    def connection_made(self, transport):
        self.transport = transport
        self.proxy.sides.add(self)
        if self.is_client:
            self.proxy.loop.create_task(self._connect())
        else:
            self.other.flush()

    async def _connect(self):
        self.other = _Side(self.proxy, self)
        try:
            await self.proxy.loop.create_connection(
                lambda: self.other, "127.0.0.1", self.proxy.target)
        except OSError:
            self.transport.abort()

    def data_received(self, data):
        if self.is_client:
            for true, false in self.proxy.replacements:
                data = data.replace(true, false)
        if not self.is_client and self.proxy.cuts_left > 0 and self.proxy.cut_only in data:
            self._cut_in(data)
            return
        delay = self.proxy.delay
        now = self.proxy.loop.time()
        if delay == 0 and self.due <= now:
            self._pass(data)
        else:
            # Later than what came before, although the delay may be shorter now.
            self.due = max(self.due + 1e-6, now + delay)
            self.proxy.loop.call_at(self.due, self._pass, data)

    def _pass(self, data):
        self.waiting.append(data)
        self.flush()

    def flush(self):
        if self.proxy.held or self.other is None or self.other.transport is None:
            return
        for data in self.waiting:
            if not self.other.transport.is_closing():
                self.other.transport.write(data)
        self.waiting.clear()
        if self.transport.is_closing():
            self.connection_lost(None)

    def _cut_in(self, data):
        """Half of a reply gets through, or nothing of it, and both ends are reset."""
        self.proxy.cuts_left -= 1
        self.proxy.cuts += 1
        if self.proxy.cuts % 2:
            self._pass(data[:len(data) // 2])
            self.proxy.loop.call_soon(self.abort)
        else:
            self.abort()

    def abort(self):
        for side in (self, self.other):
            if side is not None and side.transport is not None:
                # What is written and could not be sent yet is lost too.
                side.transport.abort()

    def connection_lost(self, _):
        if self.waiting and self.proxy.held:
            return  # already under way: it arrives although its sender gave up
        self.proxy.sides.discard(self)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Proxy:
    """A port in front of another one on this machine. Methods are called on the loop's thread."""

    def __init__(self, target, replacements=()):
        self.target = target
        self.replacements = replacements  # (old, new) in what clients send
        self.sides = set()
        self.cuts = 0  # connections that were cut in mid-reply, in all
        self.cuts_left = 0
        self.cut_only = b""
        self.held = False
        self.delay = 0.0
        self.port = None

    async def open(self):
        self.loop = asyncio.get_running_loop()
        self.server = await self.loop.create_server(lambda: _Side(self), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def cut_replies(self, count, only=b""):
        """The next `count` replies, or of those that hold these bytes, are cut in the middle and their
        connections reset."""
        self.cut_only = only
        self.cuts_left = count

    def cut_all(self):
        """Resets every connection, whatever it is doing."""
        for side in list(self.sides):
            side.abort()

    def hold(self):
        """Nothing passes any more, in either direction; connections stay open."""
        self.held = True

    def release(self, lose):
        """Everything passes again. What was held arrives late, or is lost with its connections."""
        self.held = False
        if lose:
            self.cut_all()
        for side in list(self.sides):
            side.flush()

    def close(self):
        self.server.close()
        self.cut_all()
