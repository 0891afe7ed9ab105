"""The deployment guide as something to follow: its blocks of commands, by section."""

import re

FENCE = re.compile(r"^( *)(?:<!-- (test(?:: edit)?) -->\n *)?```(\w*)\n(.*?)^ *```$", re.M | re.S)


class Block:
    """kind: 'test' is run as it stands, 'test: edit' by a person; None is not run. language: of its
    text, which stands at the left."""

    def __init__(self, kind, language, text):
        self.kind, self.language, self.text = kind, language, text

    def commands(self):
        return [line for line in self.text.splitlines() if line]


class Guide:
    def __init__(self, text):
        self.text = text
        parts = re.split(r"^## (\d+)\. .*$", text, flags=re.M)
        self.sections = dict(zip(map(int, parts[1::2]), parts[2::2]))

    def blocks(self, section):
        found = []
        for indent, kind, language, text in FENCE.findall(self.sections[section]):
            text = re.sub(f"^{indent}", "", text, flags=re.M)
            found.append(Block(kind or None, language, text))
        return found

    def settings(self, section):
        """What a section has people write into the settings: {name: value}."""
        return dict(line.split("=", 1) for block in self.blocks(section) if block.language == "ini"
                    for line in block.commands())

    def words(self, *sections):
        return sum(len(self.sections[section].split()) for section in sections)
