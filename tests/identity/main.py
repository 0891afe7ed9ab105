"""scripts/identity: whether a person who comes again gets the same code, and how often two persons get one. Simulated
people, the real reader and code; docs/identite.md says what it means."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import programs  # noqa: E402
import run  # noqa: E402
import strangers  # noqa: E402
import table  # noqa: E402
from population import Population  # noqa: E402

SCENARIOS = ["nurse", "central", "low-literacy"]


def parse():
    parser = argparse.ArgumentParser(prog="scripts/identity", description=__doc__)
    parser.add_argument("--people", type=int, default=20000, help="who come twice, in each scenario (default 20000)")
    parser.add_argument("--seed", default="1", help="other people, the same figures but for chance (default 1)")
    parser.add_argument("--scenario", choices=SCENARIOS, action="append", help="this one only; may be repeated")
    parser.add_argument("--reader", metavar="COMMAND",
                        help="another reader beside ours, which speaks as whatsapp-uic code --jsonl does")
    parser.add_argument("--steady", action="store_true", help="who is asked which name always picks the same")
    parser.add_argument("--program", default=programs.ROOT / "build/release/whatsapp-uic", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse()
    with tempfile.TemporaryDirectory() as directory:
        readers = programs.readers(options.program, directory, options.reader)
        for scenario in options.scenario or SCENARIOS:
            found = {reader.name: run.come_twice(options.seed, scenario, reader, options.people, options.steady)
                     for reader in readers}
            table.print_returns(scenario, found)
            table.print_causes(scenario, found)
            table.print_questions(scenario, {reader.name: found[reader.name] for reader in readers
                                             if reader.asks_near and reader.name != "plain"})
        groups = {"twins": Population.twins, "with names of their own": Population.twins_apart,
                  "families on one phone": Population.family}
        table.print_together({(group, reader.name): run.come_together(options.seed, "central", reader,
                                                                      options.people // 4, make)
                              for group, make in groups.items() for reader in readers})
        sample, drawn = min(3000, options.people), min(1500, options.people)
        table.print_strangers({reader.name: strangers.strangers(options.seed, reader, sample, drawn)
                               for reader in readers if reader.name not in ("plain", "other")})


if __name__ == "__main__":
    main()
