#!/usr/bin/env python3
"""Attacks a running server of ours and looks at what that does to it:

    tests/checks/hostile_check.py malformed --port 8000 --pid PID --requests 1000000
    tests/checks/hostile_check.py slow --port 8000 --connections 2000

malformed: requests of every malformed kind that the tests know, each on a connection of its own and
from many addresses; each must be refused as defined, and in the end the server must have no more
files open and hardly more memory than after the first tenth of them.
slow: connections that stay silent, or send a byte now and then, beside normal requests at a steady
rate; prints how long those take without and with them.
Exit status 1 when something is wrong. --twice lets slow fail when the 99 % are not within twice.
"""

import argparse
import asyncio
import multiprocessing
import os
import socket
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from test_malformed_heads import BAD, STATUS  # noqa: E402

KINDS = {what: data for what, data in BAD.items() if len(data) < 2000}
REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def source_address(index):
    """Loopback addresses that no proxy has, so that one does not run out of ports."""
    return f"127.0.{1 + index // 200 % 200}.{1 + index % 200}"


def send_one(port, index, data):
    """The status of the answer to these bytes, 0 when there was none."""
    with socket.socket() as connection:
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        connection.bind((source_address(index), 0))
        connection.connect(("127.0.0.1", port))
        try:
            connection.sendall(data)
            answer = connection.recv(4096)
        except ConnectionError:
            return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def send_share(port, first, count, step, results):
    faults = Counter()
    kinds = list(KINDS)
    for number in range(first, count, step):
        what = kinds[number % len(kinds)]
        status = send_one(port, number, KINDS[what])
        if status not in STATUS.get(what, {400}):
            faults[f"{what}: {status or 'no answer'}"] += 1
    results.put(faults)


def send_malformed(options, count):
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=send_share, args=(options.port, first, count,
                                                                options.processes, results))
               for first in range(options.processes)]
    for worker in workers:
        worker.start()
    faults = sum((results.get() for _ in workers), Counter())
    for worker in workers:
        worker.join()
    return faults


def look_at(pid):
    """(open files, resident KiB) of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return len(os.listdir(f"/proc/{pid}/fd")), int(resident.split()[1])


def settle(pid, files):
    """What the server holds when its connections are gone; it looks for them several times a second."""
    deadline = time.monotonic() + 20
    while look_at(pid)[0] > files and time.monotonic() < deadline:
        time.sleep(0.1)
    return look_at(pid)


def attack_malformed(options):
    idle_files, _ = look_at(options.pid)
    faults = send_malformed(options, options.requests // 10)
    files_before, memory_before = settle(options.pid, idle_files)
    began = time.perf_counter()
    faults += send_malformed(options, options.requests)
    seconds = time.perf_counter() - began
    files, memory = settle(options.pid, idle_files)
    print(f"{options.requests} malformed requests of {len(KINDS)} kinds in {seconds:.0f} s:"
          f" {options.requests / seconds:.0f}/s")
    print(f"  open files: {idle_files} idle, {files_before} after the first, {files} after the last")
    print(f"  memory: {memory_before} KiB after the first, {memory} KiB after the last")
    for fault, times in faults.most_common(20):
        print(f"  {fault}: {times} times")
    print(f"{sum(faults.values())} faults")
    return not faults and files <= idle_files and memory <= memory_before + options.memory_slack


class SlowClients:
    """Connections that never get done, opened again when the server has had enough of them."""

    STARTS = (b"", b"GET /health HTTP/1.1\r\nHost: x\r\nX-", b"POST /whatsapp/webhook HTTP/1.1\r\n"
              b"Host: x\r\nContent-Length: 60000\r\n\r\nFrom=")

    def __init__(self, port):
        self.port = port
        self.opened = 0

    async def client(self, index):
        start = self.STARTS[index % len(self.STARTS)]
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                self.opened += 1
                writer.write(start)
                while start and not reader.at_eof():
                    await asyncio.sleep(1)
                    writer.write(b"a")
                    await writer.drain()
                await reader.read()
                writer.close()
            except OSError:
                await asyncio.sleep(0.1)


async def measure(options):
    """Seconds that requests at a steady rate take, from the moment at which each is due."""
    times = []
    interval = options.connections_of_load / options.rate
    end = time.perf_counter() + options.seconds

    async def client(index):
        reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
        due = time.perf_counter() + interval * index / options.connections_of_load
        while due < end:
            await asyncio.sleep(max(0, due - time.perf_counter()))
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - due)
            due += interval
        writer.close()

    await asyncio.gather(*(client(index) for index in range(options.connections_of_load)))
    return sorted(times)


def run_slow(port, connections):
    os.nice(19)  # an attacker has a machine of his own

    async def attack():
        slow = SlowClients(port)
        await asyncio.gather(*(slow.client(index) for index in range(connections)))

    asyncio.run(attack())


def report(what, times):
    print(f"{what}: {len(times)} requests,", ", ".join(
        f"{percent} % within {1000 * times[len(times) * percent // 100]:.2f} ms"
        for percent in (50, 95, 99)))
    return times[len(times) * 99 // 100]


def attack_slow(options):
    without = report("without", asyncio.run(measure(options)))
    attackers = multiprocessing.Process(target=run_slow, args=(options.port, options.connections))
    attackers.start()
    time.sleep(options.warm_up)
    beside = report(f"beside {options.connections} slow connections", asyncio.run(measure(options)))
    alive = attackers.is_alive()
    attackers.kill()
    attackers.join()
    return alive and (beside <= 2 * without or not options.twice)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("attack", choices=("malformed", "slow"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--pid", type=int, help="of the server, for malformed")
    parser.add_argument("--requests", type=int, default=100000)
    parser.add_argument("--memory-slack", type=int, default=4096, help="KiB that it may grow by")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--connections-of-load", type=int, default=16)
    parser.add_argument("--rate", type=float, default=500, help="normal requests a second")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=3)
    parser.add_argument("--twice", action="store_true")
    options = parser.parse_args()
    if options.attack == "malformed" and not options.pid:
        parser.error("malformed needs --pid")
    return options


def main():
    options = parse_options()
    good = attack_malformed(options) if options.attack == "malformed" else attack_slow(options)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
