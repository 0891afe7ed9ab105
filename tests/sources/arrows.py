"""Which folder may include which: cmake/arrows.txt, and what the sources do."""

import re
from pathlib import Path

INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
ROOMS = ("uic", "flow", "store", "server")


def read(text):
    """{folder: what it names}, of a file of arrows. Each names only what stands above its line, so
    there is no way in a circle."""
    arrows = {}
    for number, line in enumerate(text.splitlines(), 1):
        names = line.split("#")[0].split()
        if not names:
            continue
        folder, *below = names
        for name in below:
            if name not in arrows and not name.endswith(".h"):
                raise ValueError(f"line {number}: {folder} -> {name}, which does not stand above it")
        arrows[folder] = below
    return arrows


def reach(arrows, folder):
    """What a folder may include: folders, and single headers."""
    found = {folder}
    for name in arrows.get(folder, ()):
        found |= {name} if name.endswith(".h") else reach(arrows, name)
    return found


def sources(root):
    """(path in the tree, its text) of every C file of the product."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.[ch]")):
            yield path.relative_to(root), path.read_text(encoding="utf-8")


def includes(root):
    """(file, line, header) of every #include of a file of ours."""
    for path, text in sources(root):
        for number, line in enumerate(text.splitlines(), 1):
            if found := INCLUDE.match(line):
                yield path, number, Path(found.group(1))


def broken(root, arrows):
    """A sentence for every #include that goes against the arrows."""
    reached = {folder: reach(arrows, folder) for folder in arrows}
    for path, number, header in includes(root):
        here, there = str(path.parent), str(header.parent)
        if not (root / header).is_file():
            yield f"{path}:{number}: there is no {header}"
        elif here not in arrows:
            yield f"{path}:{number}: {here} has no line in the file of arrows"
        elif there not in reached[here] and str(header) not in reached[here]:
            yield f"{path}:{number}: {here} -> {there} ({header})"


def circles(root):
    """Pairs of C files that include each other's header, themselves or by their own header."""
    has_source = {path.with_suffix("") for path, _ in sources(root) if path.suffix == ".c"}
    uses = {}
    for path, _, header in includes(root):
        uses.setdefault(path.with_suffix(""), set()).add(header.with_suffix(""))
    return sorted(f"{one} <-> {other}" for one in has_source for other in uses.get(one, ())
                  if one < other and other in has_source and one in uses.get(other, ()))
