"""How a check ends: the first faults, how many there are, and the exit status."""

import sys

SHOWN_MAX = 20


def exit_status(faults):
    for fault in faults[:SHOWN_MAX]:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults")
    return 1 if faults else 0
