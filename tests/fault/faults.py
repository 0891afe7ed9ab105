"""What is done to the stage while people write, one thing at a time. Every fault ends by itself: it
leaves all servers running."""

import time

from processes import eventually
from sentinel import NAME


def kill_instance(stage, rng, number):
    instance = stage.instances[number]
    instance.kill()
    time.sleep(rng.uniform(0, 1))
    instance.start()


def pause_instance(stage, rng):
    """It stands still with messages in its hands, then goes on as if nothing had been."""
    instance = rng.choice(stage.instances)
    instance.pause()
    time.sleep(rng.uniform(0.5, 3))
    instance.resume()


def kill_redis(stage, rng):
    stage.redis.kill()
    time.sleep(rng.uniform(0, 1))
    stage.redis.start()


def restart_redis(stage, rng):
    stage.redis.stop()
    time.sleep(rng.uniform(0, 1))
    stage.redis.start()


def ask_failover(stage, _):
    """The old master lives on, and is told only after a while that it is none."""
    redis = stage.redis
    old = redis.master
    eventually(lambda: redis.sentinel.ask("FAILOVER", NAME) == ["OK"], "a failover accepted")
    redis.wait_for_another_master(old)
    redis.wait_until_whole()


def kill_master(stage, _):
    old = stage.redis.master
    old.kill()
    stage.redis.wait_for_another_master(old)
    old.start()
    stage.redis.wait_until_whole()


def pause_master(stage, _):
    """It wakes as a master, with commands that were sent to it meanwhile."""
    old = stage.redis.master
    old.pause()
    stage.redis.wait_for_another_master(old)
    old.resume()
    stage.redis.wait_until_whole()


def forget_scripts(stage, _):
    stage.redis.command("SCRIPT", "FLUSH")


def cut_replies(stage, rng, name):
    """Connections are reset in the middle of replies, a few times in a row."""
    stage.on_loop(stage.proxies[name].cut_replies, rng.randint(2, 6))
    time.sleep(1)
    stage.on_loop(stage.proxies[name].cut_replies, 0)


def cut_all(stage, _, name):
    stage.on_loop(stage.proxies[name].cut_all)


def hold(stage, rng, name, seconds, lose):
    stage.on_loop(stage.proxies[name].hold)
    time.sleep(rng.uniform(0.5, 1) * seconds)
    stage.on_loop(stage.proxies[name].release, lose)


def delay(stage, rng, name, seconds):
    proxy = stage.proxies[name]
    proxy.delay = rng.uniform(0.1, 1) * seconds
    time.sleep(2)
    proxy.delay = 0.0


def fill_disk(stage, rng):
    stage.file.fill(stage.instances)
    time.sleep(rng.uniform(1, 2))
    stage.file.empty(stage.instances)


def kill_postgres(stage, rng):
    stage.postgres.kill()
    time.sleep(rng.uniform(0, 1))
    stage.postgres.start()


def restart_postgres(stage, rng):
    stage.postgres.stop()
    time.sleep(rng.uniform(0, 1))
    stage.postgres.start()


def pause_postgres(stage, rng, seconds):
    stage.postgres.pause()
    time.sleep(rng.uniform(0.5, 1) * seconds)
    stage.postgres.resume()


def terminate_backends(stage, _=None):
    stage.postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE datname = current_database() AND pid <> pg_backend_pid()")


def make_read_only(stage, rng):
    name = stage.postgres.NAME
    stage.postgres.query(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    terminate_backends(stage)
    time.sleep(rng.uniform(1, 4))
    stage.postgres.query(f"BEGIN READ WRITE; ALTER DATABASE {name} RESET"
                         " default_transaction_read_only; COMMIT")
    terminate_backends(stage)


def terminate_instance(stage, _, number):
    """An orderly restart."""
    instance = stage.instances[number]
    instance.stop()
    instance.start()


class Fault:
    def __init__(self, name, function, *arguments, cut=True):
        self.name = name
        self.cut = cut  # whether it kills or cuts something
        self.function = function
        self.arguments = arguments

    def happen(self, stage, rng):
        self.function(stage, rng, *self.arguments)


COMMON = (
    Fault("kill -9 of instance 1", kill_instance, 0),
    Fault("kill -9 of instance 2", kill_instance, 1),
    Fault("kill -9 of Redis (AOF)", kill_redis),
    Fault("Redis: replies cut", cut_replies, "redis"),
    Fault("clients: replies cut", cut_replies, "client1"),
    Fault("Redis: silent, late", hold, "redis", 3, False, cut=False),
    Fault("Redis: silent, lost", hold, "redis", 3, True),
    Fault("restart of Redis", restart_redis),
    Fault("all connections to Redis cut", cut_all, "redis"),
    Fault("clients: silent, lost", hold, "client2", 2, True),
    Fault("Redis: slow", delay, "redis", 0.3, cut=False),
    Fault("SIGSTOP of an instance", pause_instance, cut=False),
    Fault("SCRIPT FLUSH", forget_scripts, cut=False),
    Fault("restart of instance 1", terminate_instance, 0, cut=False),
)
SENTINEL = (
    Fault("failover asked for", ask_failover, cut=False),
    Fault("kill -9 of the master", kill_master),
    Fault("SIGSTOP of the master", pause_master),
)
SQLITE = (
    Fault("disk full", fill_disk, cut=False),
)


def postgres(pause_seconds):
    return (
        Fault("kill -9 of PostgreSQL", kill_postgres),
        Fault("SIGSTOP of PostgreSQL", pause_postgres, pause_seconds, cut=False),
        Fault("database: replies cut", cut_replies, "database"),
        Fault("pg_terminate_backend", terminate_backends),
        Fault("database read-only", make_read_only),
        Fault("restart of PostgreSQL", restart_postgres),
        Fault("database: silent, late", hold, "database", 5, False, cut=False),
        Fault("database: silent, lost", hold, "database", 5, True),
        Fault("all connections to it cut", cut_all, "database"),
        Fault("database: slow", delay, "database", 0.5, cut=False),
    )
