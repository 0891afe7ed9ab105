"""What thousands of conversations through Meta's channel are played on: a Graph API, a Redis, and servers
with both channels and without limits for people."""

from contextlib import ExitStack, contextmanager

import meta
from graph import Graph
from processes import RedisServer, UicServer

UNLIMITED = {"WORKERS": "2", "MESSAGES_PER_MINUTE": "0", "CODES_PER_DAY": "0", "CONNECTIONS_PER_ADDRESS": "0"}


@contextmanager
def meta_stage(directory, count=1, plan=None, in_memory=False, per_second=0, **settings):
    """(graph, redis, servers): so many of these, which share everything; redis is None with sessions in
    memory. At the end they stop in order."""
    with ExitStack() as stack:
        redis = None if in_memory else stack.enter_context(RedisServer(directory / "redis"))
        graph = stack.enter_context(Graph(directory / "graph", plan))
        settings = {**meta.SETTINGS, **graph.settings(META_MESSAGES_PER_SECOND=per_second), **UNLIMITED,
                    "DATABASE_URL": f"sqlite:///{directory}/uic.db", **settings}
        if redis is not None:
            settings["REDIS_URL"] = redis.url
        yield graph, redis, [stack.enter_context(UicServer(directory / f"server{number}", settings))
                             for number in range(1, count + 1)]
