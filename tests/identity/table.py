"""What was measured, as tables."""

from errors import STEPS


def percent(share, digits=1):
    return f"{100 * share:.{digits}f} %"


def print_returns(scenario, found):
    """found: {reader: Returns}"""
    print(f"\n{scenario}: a person who comes again gets the same code")
    print(f"{'':10} {'same':>8} {'no code':>8}   differs: " + " ".join(f"{step:>17}" for step in STEPS)
          + f"   {'asked again':>12} {'which':>8} {'read back':>10}")
    for name, returns in found.items():
        print(f"{name:10} {percent(returns.rate):>8} {percent(returns.without / returns.people):>8}            "
              + " ".join(f"{percent(returns.differs[step] / returns.people):>17}" for step in STEPS)
              + f"   {percent(returns.asked):>12} {percent(returns.chose):>8} {percent(returns.confirmed):>10}")


def print_causes(scenario, found):
    causes = sorted(set().union(*(returns.causes for returns in found.values())),
                    key=lambda cause: -max(returns.causes[cause] for returns in found.values()))
    print(f"\n{scenario}: what had happened where the code is another one, of all returns")
    print(f"{'':22}" + "".join(f"{name:>10}" for name in found))
    for cause in causes:
        print(f"{cause:22}" + "".join(f"{percent(returns.causes[cause] / returns.people):>10}"
                                      for returns in found.values()))


def print_together(found):
    """found: {(group, reader): (people, merged)}"""
    print("\ntwo persons with one code, of all in such groups")
    for (group, name), (people, merged) in found.items():
        print(f"{group:22} {name:10} {percent(merged / people, 2):>8}   ({merged} of {people})")


def print_strangers(found):
    print("\ntwo strangers with the same five answers, of all people")
    for number, share in found.items():
        print(f"{number:>22,} {percent(share, 4):>10}")
