"""The report of a bench: machine, versions, a table of medians, and the ratios between its lines."""

import math
import platform
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

COLUMNS = (
    ("webhooks/s", "webhooks_per_second", "{:,.0f}"),
    ("p50 ms", "p50_ms", "{:.2f}"),
    ("p99 ms", "p99_ms", "{:.2f}"),
    ("p99.9 ms", "p999_ms", "{:.2f}"),
    ("max ms", "max_ms", "{:.1f}"),
    ("server µs", "server_cpu_us", "{:.1f}"),
    ("Redis µs", "redis_cpu_us", "{:.1f}"),
    ("PostgreSQL µs", "postgres_cpu_us", "{:.1f}"),
    ("load µs", "load_cpu_us", "{:.1f}"),
)

# Stands before the names of other programs that were run beside.
YARDSTICK = "yardstick "

# What is divided by what, by the names of the cases.
RATIOS = (
    ("whole conversations, of the floor", "redis+postgres-2w-256c", "floor-2w-256c"),
    ("signed, of unsigned", "redis+postgres-2w-256c-signed", "redis+postgres-2w-256c"),
    ("2,000 connections, of 256", "redis+postgres-2w-2000c", "redis+postgres-2w-256c"),
    ("10 million rows, of an empty table", "redis+postgres-2w-256c-10M-rows",
     "redis+postgres-2w-256c"),
    ("1 million open sessions, of none", "redis+postgres-2w-256c-1M-sessions",
     "redis+postgres-2w-256c"),
)


# What a conversation and a WhatsApp number are counted as: a greeting, five answers and one message
# more than needed, each answered once; and what Meta lets through for one number, in and out together.
CONVERSATION_MESSAGES = 7
NUMBER_MESSAGES_PER_SECOND = 1000
DAY_SECONDS = 86400
# What it is counted from: the first that was measured.
SERVING = ("redis+postgres-2w-256c-signed", "redis+postgres-2w-256c")


def output(*command):
    """The first line of what a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return "?"
    return (done.stdout.splitlines() or ["?"])[0].strip()


def machine():
    cpus = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1048576
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines()
                   if "=" in line)
    postgres = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    changed = " and changes" if output("git", "status", "--porcelain") != "?" else ""
    return [
        f"{len(cpus)} × {cpus[0] if cpus else '?'}, {memory} GB, Linux {platform.release()},"
        f" {release.get('PRETTY_NAME', '?').strip(chr(34))}",
        f"whatsapp-uic commit {output('git', 'rev-parse', '--short', 'HEAD')}{changed},"
        f" libevent {output('pkg-config', '--modversion', 'libevent')},"
        f" hiredis {output('pkg-config', '--modversion', 'hiredis')},"
        f" {output('openssl', 'version').split('(')[0].strip()},"
        f" {output('gcc', '--version')}",
        f"{output('redis-server', '--version')[:30].strip()},"
        f" {output(postgres[-1], '--version') if postgres else '?'}",
    ]


def median(runs, key):
    values = [run[key] for run in runs if key in run]
    return statistics.median(values) if values else None


def row(name, runs):
    cells = [name]
    for _, key, form in COLUMNS:
        value = median(runs, key)
        cells.append("" if value is None else form.format(value))
    rates = [run["webhooks_per_second"] for run in runs]
    if len(rates) > 1:
        cells[1] += f" ({min(rates):,.0f}–{max(rates):,.0f})"
    cells.append(str(sum(run.get("errors", 0) for run in runs)))
    cells.append(str(sum(run.get("wrong_replies", 0) for run in runs)))
    return "| " + " | ".join(cells) + " |"


def pairs(results):
    """RATIOS, and the whole conversations against each yardstick."""
    for name in results:
        if name.startswith(YARDSTICK):
            yield f"whole conversations, of {name}", "redis+postgres-2w-256c", name
            yield f"the same, signed, of {name}", "redis+postgres-2w-256c-signed", name
    yield from RATIOS


def ratios(results):
    """Each round's own, as the machine's speed changes between rounds; then their median."""
    for title, above, below in pairs(results):
        rounds = [one["webhooks_per_second"] / other["webhooks_per_second"]
                  for one, other in zip(results.get(above, []), results.get(below, []))]
        if rounds:
            spread = f" ({min(rounds):.2f}–{max(rounds):.2f})" if len(rounds) > 1 else ""
            yield f"- {title}: **{statistics.median(rounds):.2f}**{spread}"


def memory(results):
    for run in results.get("memory", []):
        yield f"- idle server: {run['idle_bytes'] / 1048576:.1f} MB"
        yield f"- a connection: {run['connection_bytes'] / 1024:.1f} kB"
    sizes = [run["session_bytes"] for runs in results.values() for run in runs
             if run.get("session_bytes")]
    if sizes:
        yield f"- a session in Redis: {statistics.median(sizes):.0f} bytes"


def capacity(results):
    """What a machine as fast as this one can serve, with load and stores on it as they were here."""
    name = next((name for name in SERVING if results.get(name)), None)
    if not name:
        return
    received = median(results[name], "webhooks_per_second")
    conversations = received / CONVERSATION_MESSAGES * DAY_SECONDS
    numbers = math.ceil(2 * received / NUMBER_MESSAGES_PER_SECOND)
    yield "A machine as fast as this one, where load and stores run too, can serve"
    yield (f"**{conversations / 1e6:,.1f} million conversations a day**: {received:,.0f} messages a second"
           f" ({name}), all day, of which a conversation has {CONVERSATION_MESSAGES}.")
    yield (f"They would need **{numbers:,} WhatsApp number{'s' if numbers > 1 else ''}**: as many messages go out"
           f" as come in, and one number lets {NUMBER_MESSAGES_PER_SECOND:,} a second through, in and out.")


def render(results):
    """The report as Markdown."""
    titles = ["case", *(title for title, _, _ in COLUMNS), "errors", "wrong"]
    lines = [*machine(), "", "| " + " | ".join(titles) + " |",
             "|---|" + "--:|" * (len(titles) - 1)]
    lines += [row(name, runs) for name, runs in results.items() if name != "memory"]
    lines += ["", *ratios(results), *memory(results), "", *capacity(results)]
    return "\n".join(lines).rstrip() + "\n"
