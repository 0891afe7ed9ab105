"""Through Meta's channel, whatever breaks: everybody gets every reply, in order."""

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make keys with")


def play(root, *arguments):
    done = subprocess.run([sys.executable, root / "tests/checks/graph_check.py", *arguments],
                          capture_output=True, text=True, timeout=400, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr


def test_in_a_storm_everybody_gets_every_reply_in_order(root):
    play(root, "--conversations", "100", "--at-once", "40")


def test_instances_are_killed_meanwhile(root):
    play(root, "--conversations", "80", "--at-once", "40", "--kill", "2")
