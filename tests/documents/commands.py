"""The command lines that our documents show: every line of a fenced block, and what stands in the text
between back-ticks and begins with a program. Each is run by a test (tests/package/test_commands.py, or
tests/chroot/test_guide.py when it begins with sudo), or not-run.txt says why not."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
GUIDE = "docs/guide-deploiement.md"
BLOCK = re.compile(r"^( *)(<!-- test(?:: edit)? -->\n *)?```(\w*)\n(.*?)^ *```$", re.M | re.S)
INLINE = re.compile(r"`([^`]+)`")
PROGRAM = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:(?:scripts|tests|build)/\S*|(?:sudo|whatsapp-uic(?:-\w+)?|curl|ssh|scp|apt|systemctl|"
    r"systemd-analyze|journalctl|certbot|ufw|df|kill|man|python3?|uvicorn|pkg-config|promtool|psql|pg_restore|"
    r"redis-cli)(?= ))")
COMMANDS = {"", "sh", "bash"}
DATA = {"json", "ini"}  # languages that are no commands


class Block:
    """text: of a fenced block, at the left. marked: followed by tests/chroot/test_guide.py."""

    def __init__(self, document, language, text, marked):
        self.document, self.language, self.text, self.marked = document, language, text, marked

    def lines(self):
        """Its commands; what is listed by its language is one."""
        if self.language not in COMMANDS | DATA:
            return [f"```{self.language}"]
        return [line for line in map(without_remark, self.text.splitlines()) if line]


def without_remark(line):
    return re.sub(r"(?:^|\s)\s+# .*$|^#.*$", "", line).rstrip()


def documents():
    return [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] \
        + sorted((ROOT / "docs").glob("*.md"))


def blocks():
    """All blocks, those of data too, in their order."""
    for path in documents():
        for indent, mark, language, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            yield Block(str(path.relative_to(ROOT)), language, re.sub(f"^{indent}", "", text, flags=re.M),
                        bool(mark))


def inline():
    """(document, command) of what stands in the text, each once."""
    seen = set()
    for path in documents():
        text = BLOCK.sub("", path.read_text(encoding="utf-8"))
        for command in INLINE.findall(text):
            command = " ".join(command.split())
            # A path is a command when it can be run.
            single = " " not in command
            if not PROGRAM.match(command) or (single and not is_executable(command)):
                continue
            pair = str(path.relative_to(ROOT)), command
            if pair not in seen:
                seen.add(pair)
                yield pair


def is_executable(name):
    """Or would be, once it is built."""
    path = ROOT / name
    return name.startswith("build/release/") or path.is_file() and path.stat().st_mode & 0o100


def not_run():
    """{pattern: reason}: each line below a reason ("== …") in not-run.txt."""
    found, reason = {}, None
    for line in (FOLDER / "not-run.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            reason = line[3:]
        elif line and not line.startswith("# "):
            assert reason and line not in found, line
            found[line] = reason
    return found


def matches(line, pattern):
    return line == pattern or fnmatchcase(line, pattern)


def is_excused(line):
    return any(matches(line, pattern) for pattern in not_run())


def inline_on_the_machine():
    return [command for document, command in inline() if on_the_machine(command) and not is_excused(command)]


def on_the_machine(command):
    """Whether it is for the machine that the guide sets up."""
    return command.startswith("sudo ")
