"""Many people at once: every reply and every code is the right one, and every record is there."""

import subprocess
import sys

from processes import SALT


def test_three_hundred_conversations_at_once(start, root, redis):
    server = start(REDIS_URL=redis.url, WORKERS=2)
    done = subprocess.run(
        [sys.executable, root / "tests/load_check.py", "--port", str(server.port), "--salt", SALT,
         "--database", server.database, "--conversations", "300", "--connections", "32"],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
