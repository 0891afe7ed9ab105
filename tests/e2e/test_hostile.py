"""Crowds of hostile clients: every one gets its answer, and nothing of them stays behind."""

import subprocess
import sys


def test_ten_thousand_malformed_requests_leave_nothing_behind(start, root):
    """Nearly: a sanitizer keeps memory for a while after it was freed."""
    server = start(WORKERS=2)
    done = subprocess.run(
        [sys.executable, root / "tests/checks/hostile_check.py", "malformed", "--port", str(server.port),
         "--pid", str(server.process.pid), "--requests", "10000", "--memory-slack", "400000"],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "0 faults"


def test_slow_clients_do_not_keep_others_from_their_answers(start, root):
    server = start(WORKERS=2, HEAD_TIMEOUT_SECONDS=2, BODY_TIMEOUT_SECONDS=2)
    done = subprocess.run(
        [sys.executable, root / "tests/checks/hostile_check.py", "slow", "--port", str(server.port),
         "--connections", "300", "--seconds", "3", "--rate", "100", "--warm-up", "1"],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
