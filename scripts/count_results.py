"""Sums a directory of test results: JUnit files of ctest and pytest, and NAME.failed marks.

ctest knows programs; what cmocka says inside them counts test by test. The last line printed is
"N passed, N failed"; the exit status is 1 when anything failed or nothing ran.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CMOCKA = re.compile(r"^\[  (PASSED|FAILED)  \] (\d+) test\(s\)", re.MULTILINE)


def count(case):
    """(passed, failed, failed names) of one <testcase>."""
    name = f'{case.get("classname", "")}: {case.get("name")}'
    bad = case.find("failure") is not None or case.find("error") is not None
    if case.find("skipped") is not None:
        return 0, 0, []
    inside = {"PASSED": 0, "FAILED": 0}
    for word, number in CMOCKA.findall(case.findtext("system-out") or ""):
        inside[word] += int(number)
    if not bad:
        return max(1, inside["PASSED"]), 0, []
    return inside["PASSED"], max(1, inside["FAILED"]), [name]


def main(directory):
    passed, failed, names = 0, 0, []
    for path in sorted(Path(directory).iterdir()):
        if path.suffix == ".failed":
            failed += 1
            names.append(path.stem)
            continue
        for case in ElementTree.parse(path).iter("testcase"):
            good, bad, bad_names = count(case)
            passed += good
            failed += bad
            names += bad_names
    if names:
        print("\nFailed:")
        for name in names:
            print(f"  {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1]))
