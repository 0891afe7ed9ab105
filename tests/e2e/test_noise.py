"""Nobody gets a record that nobody meant: a small run of tests/checks/meaning_check.py."""

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make keys with")


@pytest.mark.parametrize("where", [[], ["--memory"]], ids=["redis", "memory"])
def test_what_is_doubled_cut_resent_swapped_or_late_changes_nothing(root, where):
    done = subprocess.run([sys.executable, root / "tests/checks/meaning_check.py", "--conversations", "200",
                           "--mischief", "1.5", *where],
                          capture_output=True, text=True, timeout=400, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
