"""What people read: links lead somewhere, and French is set as French is."""

import re
import subprocess

import pytest

CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*(?:\n[^`\n]+)?`|<!--.*?-->", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TORN = re.compile(r"[ \n][:;!?»](?=[\s*]|$)|«[ \n]|[\w)`*][;!?»]|[\w)`]:(?=\s)|\w'\w")


def prose(path):
    """The text without what is code."""
    return CODE.sub("`code`", path.read_text(encoding="utf-8"))


def documents(root):
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=root,
                          capture_output=True, text=True)
    names = done.stdout.splitlines() if done.returncode == 0 else \
        [path.relative_to(root) for folder in (root, root / "docs") for path in folder.glob("*.md")]
    return [root / name for name in names]


def anchors(path):
    """The names that a page's headings have on a forge."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"),
                                               flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_our_pages_leads_somewhere(root):
    checked, lost = 0, []
    for document in documents(root):
        for target in LINK.findall(prose(document)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            page = document.parent / name if name else document
            checked += 1
            if not page.exists() or (anchor and anchor not in anchors(page)):
                lost.append(f"{document.relative_to(root)}: {target}")
    assert checked > 30 and lost == []


def test_the_first_page_leads_to_every_other(root):
    linked = set(LINK.findall(prose(root / "README.md")))
    assert {f"docs/{path.name}" for path in (root / "docs").glob("*.md")} - linked == set()


@pytest.mark.parametrize("name", ["docs/guide-deploiement.md", "docs/identite.md"])
def test_french_keeps_its_spaces_and_apostrophes(root, name):
    """A space that does not break stands before : ; ! ? and inside quotation marks."""
    text = LINK.sub("link", prose(root / name))
    assert [text[max(0, found.start() - 20):found.end() + 20] for found in TORN.finditer(text)] == []


# One word for one thing: what another one would be, and the one that is used.
OTHER_WORDS = {r"boîtes? d[’']envoi": "file d’attente", r"(?<!mandataire \()\bprox(?:y|ys|ies)\b": "mandataire"}


@pytest.mark.parametrize("name", ["docs/guide-deploiement.md", "packaging/prometheus/whatsapp-uic.rules.yml",
                                  "packaging/grafana/whatsapp-uic.json", "packaging/whatsapp-uic.env",
                                  "server/web/dashboard.js", "scripts/backup", "scripts/restore"])
def test_one_french_word_for_one_thing(root, name):
    text = LINK.sub("link", prose(root / name))
    assert [(found[0], word) for other, word in OTHER_WORDS.items() for found in re.finditer(other, text, re.I)] == []


def test_the_journal_of_every_instance_is_read(root):
    """whatsapp-uic alone is the first one only."""
    lines = [line for path in documents(root) for line in path.read_text(encoding="utf-8").splitlines()]
    asked = [line for line in lines if re.search(r"(journalctl|systemctl status).* '?whatsapp-uic(?!-)", line)]
    assert asked and [line for line in asked if "whatsapp-uic*" not in line] == []


def test_the_guide_knows_the_log_of_this_program(root):
    """What it has people look for in the journal: events, results, and how reasons begin."""
    guide = (root / "docs/guide-deploiement.md").read_text(encoding="utf-8")
    section = guide[guide.index("## 14."):guide.index("## 15.")]
    told = " ".join(row.split("|")[2] for row in section.splitlines() if row.startswith("| "))
    wanted = {f'"{event}"' for event in re.findall(r"(?<=`)[a-z]+(?:_[a-z]+)+", told)}
    wanted |= {f'"{result}"' for result in re.findall(r"result=(\w+)", told)}
    wanted |= {" ".join(reason.split()[:3]) for reason in re.findall(r'reason="([^"`:0-9]+)', told)}
    assert len(wanted) > 15
    sources = "".join(path.read_text(encoding="utf-8") for folder in ("server", "flow", "store")
                      for path in (root / folder).rglob("*.[ch]"))
    # A record's or a header's name is put in when the line is made.
    sources += sources.replace("SIGNATURE_HEADER \"", "X-Twilio-Signature")
    assert [words for words in sorted(wanted) if words not in sources] == []
