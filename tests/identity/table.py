"""What was measured, as tables."""

from errors import STEPS


def percent(share, digits=1):
    return f"{100 * share:.{digits}f} %"


def print_returns(scenario, found):
    """found: {reader: Returns}"""
    print(f"\n{scenario}: a person who comes again gets the same code")
    print(f"{'':12} {'same':>8} {'no code':>8}   differs: " + " ".join(f"{step:>17}" for step in STEPS)
          + f"   {'asked again':>12} {'which':>8} {'read back':>10}")
    for name, returns in found.items():
        print(f"{name:12} {percent(returns.rate):>8} {percent(returns.without / returns.people):>8}            "
              + " ".join(f"{percent(returns.differs[step] / returns.people):>17}" for step in STEPS)
              + f"   {percent(returns.asked):>12} {percent(returns.chose):>8} {percent(returns.confirmed):>10}")


def print_causes(scenario, found):
    causes = sorted(set().union(*(returns.causes for returns in found.values())),
                    key=lambda cause: -max(returns.causes[cause] for returns in found.values()))
    print(f"\n{scenario}: what had happened where the code is another one, of all returns")
    print(f"{'':22}" + "".join(f"{name:>14}" for name in found))
    for cause in causes:
        print(f"{cause:22}" + "".join(f"{percent(returns.causes[cause] / returns.people):>14}"
                                      for returns in found.values()))


def print_questions(scenario, found):
    """found: {reader: Returns}; only of definitions that can ask."""
    print(f"\n{scenario}: with the question to one's own number, of all returns")
    print(f"{'':12} {'same':>8} {'and by the question':>20} {'asked':>8} {'on the list':>12} {'nobody notices':>15}")
    for name, returns in found.items():
        asked = returns.question
        print(f"{name:12} {percent(asked.same / asked.people):>8} {percent((asked.same + asked.found) / asked.people):>20}"
              f" {percent(asked.asked / asked.people):>8} {percent(asked.listed / asked.people):>12}"
              f" {percent(asked.unnoticed / asked.people):>15}")


def print_together(found):
    """found: {(group, reader): (people, merged, asked)}"""
    print("\ntwo persons with one code, and who is asked for nothing, of all in such groups")
    for (group, name), (people, merged, asked) in found.items():
        print(f"{group:22} {name:12} {percent(merged / people, 2):>8} {percent(asked / people, 2):>8}"
              f"   ({merged} and {asked} of {people})")


def print_strangers(found):
    """found: {reader: {people in all: share}}"""
    print("\ntwo strangers with the same answers, of all people")
    print(f"{'':12}" + "".join(f"{number:>16,}" for number in next(iter(found.values()))))
    for name, shares in found.items():
        print(f"{name:12}" + "".join(f"{percent(share, 4):>16}" for share in shares.values()))
