"""The memory of a running process: everything that a core image of it would hold."""


# A sanitizer's own book-keeping is larger than that; ours is not.
MAPPING_MAX = 1 << 30


def read_image(pid):
    """All bytes of all writable mappings, one after the other."""
    image = bytearray()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            place, access = line.split()[:2]
            if not access.startswith("rw"):
                continue
            start, end = (int(number, 16) for number in place.split("-"))
            if end - start < MAPPING_MAX:
                image += read_mapping(memory, start, end)
    return bytes(image)


def read_mapping(memory, start, end):
    """Its bytes, as far as they can be read; what was reserved and never used is left out."""
    pieces = []
    step = 1 << 20
    for at in range(start, end, step):
        try:
            memory.seek(at)
            piece = memory.read(min(step, end - at))
        except OSError:
            break
        if piece.strip(b"\0"):
            pieces.append(piece)
    return b"\0".join(pieces)
