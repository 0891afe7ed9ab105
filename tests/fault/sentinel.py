"""A Redis with one replica and a sentinel that makes this the master when that is away."""

import subprocess

from processes import Process, RedisServer, eventually, free_port

NAME = "uic"
# A master without its replica writes nothing, and knows that it has none after two seconds.
MASTER_OPTIONS = ("--repl-diskless-sync-delay", "0",
                  "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")


class Sentinel(Process):
    """One that decides alone, after a second of silence. hurried: what it does each second or ten is
    done ten times as often."""

    HURRY = ("info-period", "200", "ping-period", "100", "ask-period", "100", "publish-period", "200",
             "min-link-reconnect-period", "500", "election-timeout", "1000")
    port = None

    def __init__(self, directory, hurried):
        super().__init__(directory)
        self.hurried = hurried

    def start(self, master_port):
        self.port = free_port()
        file = self.directory / "sentinel.conf"
        file.write_text(f"port {self.port}\nbind 127.0.0.1\n"
                        f"sentinel monitor {NAME} 127.0.0.1 {master_port} 1\n"
                        f"sentinel down-after-milliseconds {NAME} 1000\n"
                        f"sentinel failover-timeout {NAME} 3000\n")
        self.spawn(["redis-server", str(file), "--sentinel"])
        eventually(lambda: RedisServer.answers(self.port), "the sentinel answers")
        if self.hurried:
            self.ask("DEBUG", *self.HURRY)  # since Redis 7; before it only takes longer

    def ask(self, *words):
        """Lines of what it says about our master; an error is a line too."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), "SENTINEL", *words],
                              capture_output=True, text=True)
        return done.stdout.split("\n")[:-1]

    def kill(self):
        if self.process is not None:
            super().kill()


class RedisPair:
    """Looks like a RedisServer: what is asked of it is asked of the master."""

    def __init__(self, directory, hurried=False):
        self.servers = [RedisServer(directory / str(number), options=MASTER_OPTIONS)
                        for number in (1, 2)]
        self.sentinel = Sentinel(directory / "sentinel", hurried)

    @property
    def process(self):
        return self.sentinel.process

    @property
    def url(self):
        return f"sentinel://127.0.0.1:{self.sentinel.port}/{NAME}"

    def start(self):
        first, second = self.servers
        for server in self.servers:
            server.start()
        second.command("REPLICAOF", "127.0.0.1", str(first.port))
        self.sentinel.start(first.port)
        self.wait_until_whole()

    def stop(self):
        for process in (self.sentinel, *self.servers):
            process.kill()

    @property
    def master(self):
        port = int(self.sentinel.ask("GET-MASTER-ADDR-BY-NAME", NAME)[1])
        return next(server for server in self.servers if server.port == port)

    @property
    def replica(self):
        master = self.master
        return next(server for server in self.servers if server is not master)

    def command(self, *words):
        return self.master.command(*words)

    def wait_for_another_master(self, old):
        eventually(lambda: self.master is not old and says(self.master, "role:master"),
                   "another master")

    def wait_until_whole(self):
        """There is a replica, and all three know it."""
        eventually(lambda: says(self.master, "state=online"), "a replica of the master")
        eventually(lambda: says(self.replica, "master_link_status:up",
                                f"master_port:{self.master.port}"), "the replica linked")
        eventually(self._sentinel_has_it, "the replica known to the sentinel")

    def _sentinel_has_it(self):
        lines = self.sentinel.ask("REPLICAS", NAME)
        known = dict(zip(lines[::2], lines[1::2]))
        return known.get("flags") == "slave" and known.get("master-link-status") == "ok"


def says(server, *words):
    told = " ".join(server.command("INFO", "replication"))
    return all(word in told for word in words)
