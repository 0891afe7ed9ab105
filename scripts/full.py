"""The production shape on this machine: Redis, PostgreSQL, two instances, nginx; what `scripts/run
--full` starts. Settings come from .env, data and logs lie below build/full. Ends with Ctrl+C, or when
one of the processes does."""

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from processes import RedisServer, UicServer, free_port  # noqa: E402
from production import Nginx, PostgresServer  # noqa: E402

TEXT = """
  Deux instances derrière nginx, avec Redis et          Two instances behind nginx, with Redis and
  PostgreSQL. Tout est prêt ? Cliquez :                 PostgreSQL. Is all of it ready? Click:
    {address}/ready
  Écrivez-lui comme le ferait WhatsApp :                Write to it as WhatsApp would:
    curl -d 'From=whatsapp:+243999999999&Body=Bonjour' {address}/whatsapp/webhook
  Regardez dedans :                                     Look inside:
    psql '{postgres}'
    redis-cli -p {redis} KEYS 'uic:*'
  Les instances / the instances:    {instances}
  Données et journaux / data, logs: {directory}
  Arrêter : Ctrl+C                                      Stop: Ctrl+C
"""


def public_port():
    """PORT or 8000 if it is free."""
    port = int(os.environ.get("PORT") or 8000)
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return port
    return free_port()


def start_all(directory, started):
    """Starts one after the other; what was started stands in the list, whatever happens."""
    def start(process):
        started.append(process)
        process.start()
        return process

    redis = start(RedisServer(directory / "redis"))
    postgres = start(PostgresServer(directory / "postgres", {"fsync": "on"}))
    settings = {"UIC_SALT": None, "REDIS_URL": redis.url, "DATABASE_URL": postgres.url,
                "STOP_DELAY_SECONDS": "0"}
    instances = [start(UicServer(directory / f"instance{number}", settings,
                                 ["--env", str(ROOT / ".env")])) for number in (1, 2)]
    nginx = start(Nginx(directory / "nginx", [i.port for i in instances], public_port()))
    print(TEXT.format(address=f"http://localhost:{nginx.port}", postgres=postgres.url,
                      redis=redis.port, directory=directory,
                      instances=" ".join(f"http://localhost:{i.port}" for i in instances)),
          flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = []
    ended = None
    try:
        start_all(ROOT / "build/full", started)
        while ended is None:
            time.sleep(0.5)
            ended = next((process for process in started if not process.running), None)
        print(f"One process has ended; its log:\n{ended.log()[-2000:]}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in reversed(started):
            if process.process is not None:
                process.remove() if isinstance(process, PostgresServer) else process.stop()
    return 1 if ended is not None else 0


if __name__ == "__main__":
    sys.exit(main())
