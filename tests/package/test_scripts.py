"""Shell scripts and the smaller files of the package."""

import re
import subprocess

SHELL = re.compile(rb"\A#!.*\b(?:ba|da)?sh\b|^# shellcheck shell=", re.M)


def shell_scripts(root):
    """Every file whose first line or mark says so, wherever it lies."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root,
                          capture_output=True, text=True)
    if done.returncode == 0:
        paths = [root / name for name in done.stdout.splitlines()]
    else:  # no repository: the sources alone
        paths = [path for folder in ("scripts", "packaging", "tests", ".ci")
                 for path in (root / folder).rglob("*")]
    return sorted(path for path in paths if path.is_file() and SHELL.search(path.read_bytes()[:400]))


def test_shellcheck_has_nothing_to_say(root):
    scripts = shell_scripts(root)
    names = {path.name for path in scripts}
    assert {"test", "run", "package", "packages.sh", "fill", "whatsapp-uic.postinst"} <= names
    done = subprocess.run(["shellcheck", "-x", *scripts], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_logrotate_takes_its_file(installed, tmp_path):
    done = subprocess.run(["/usr/sbin/logrotate", "-d", "-s", tmp_path / "state",
                           installed / "etc/logrotate.d/whatsapp-uic"], capture_output=True, text=True)
    assert done.returncode == 0 and "error" not in done.stderr, done.stderr
