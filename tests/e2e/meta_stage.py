"""What thousands of conversations through Meta's channel are played on: a Graph API, a Redis, and servers
with both channels and without limits for people."""

from contextlib import contextmanager

import meta
from graph import Graph
from processes import RedisServer, UicServer

UNLIMITED = {"WORKERS": "2", "MESSAGES_PER_MINUTE": "0", "CODES_PER_DAY": "0", "CONNECTIONS_PER_ADDRESS": "0"}


@contextmanager
def meta_stage(directory, count=1, plan=None, in_memory=False, per_second=0, **settings):
    """(graph, redis, servers): so many of these, which share everything; redis is None with sessions in
    memory. At the end they stop in order."""
    graph = Graph(directory / "graph", plan)
    graph.start()
    settings = {**meta.SETTINGS, **graph.settings(META_MESSAGES_PER_SECOND=per_second), **UNLIMITED,
                "DATABASE_URL": f"sqlite:///{directory}/uic.db", **settings}
    redis = None if in_memory else RedisServer(directory / "redis")
    if redis:
        redis.start()
        settings["REDIS_URL"] = redis.url
    servers = [UicServer(directory / f"server{number}", settings) for number in range(1, count + 1)]
    for server in servers:
        server.start()
    yield graph, redis, servers
    for server in servers:
        server.stop()
    graph.stop()
    if redis:
        redis.stop()
