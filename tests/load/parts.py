"""scripts/bench --profile: the instructions of one webhook by part, as a table."""

import re
import shutil

import callgrind

# Where a part begins: functions by name or pattern. The first that fits holds; what fits none belongs
# to whoever calls it.
PARTS = (
    ("HTTP (evhttp, sockets, loop)",
     r"event_base_loop|evhttp_.*|bufferevent_.*|http_.*|connection_.*|connections_.*"),
    ("HTTP: our check of the head", "head_scan"),
    ("form", "form_decode|form_value"),
    ("signature", "signature_matches"),
    ("address and message id", "session_init|keyed_hash.*"),
    ("session, seal and open",
     "session_loaded|seal_wrap|seal_unwrap|conversation_(encode|decode|mark|start)"),
    ("session, Redis", "redis.*|session_save|session_load"),
    ("flow", "flow_step|flow_pending|flow_finish"),
    ("code, and what is near", "uic_hasher_.*|conversation_answers|claim_answers|flow_near"),
    ("record", "record_.*|sqlite.*|postgres_.*|sql_.*|claim.*|batch_.*"),
    ("reply", "flow_reply|twiml_write|response_print"),
    ("log", "log_.*|run_writer"),
    ("metrics", "metrics_.*|quota_.*|counting_.*"),
    ("exchange", "exchange_.*|delivery_.*|webhook_.*|twilio_.*|routes_.*"),
    ("wiping", "OPENSSL_cleanse|wipe_.*|give_back|take_block"),
)


def part_of(function):
    name = function.split("'")[0]
    for part, pattern in PARTS:
        if re.fullmatch(pattern, name):
            return part
    return None


def render(columns):
    """columns: title → profile."""
    by_part = {title: profile.by_part(part_of) for title, profile in columns.items()}
    lines = ["| part | " + " | ".join(by_part) + " |", "|---|" + "--:|" * len(by_part)]
    for part in [*(part for part, _ in PARTS), ""]:
        cells = [f"{parts.get(part, 0):,.0f}" for parts in by_part.values()]
        lines.append(f"| {part or 'other threads, and what is unknown'} | {' | '.join(cells)} |")
    totals = [f"**{sum(parts.values()):,.0f}**" for parts in by_part.values()]
    lines.append(f"| all | {' | '.join(totals)} |")
    return "\n".join(lines)


def hottest(profile, count):
    functions = sorted(profile.own.items(), key=lambda item: -item[1])[:count]
    return "\n".join(f"{cost:10,.0f}  {name}" for name, cost in functions)


def run(directory, connections=64, people=1500, functions=0):
    """The table for a message in the middle and the last one, with Redis and SQLite."""
    shutil.rmtree(directory, ignore_errors=True)
    columns = {}
    for which, title in (("middle", "a message in the middle"), ("last", "the last message")):
        columns[title] = callgrind.count_message(directory / which, which, people, connections)
    text = render(columns)
    for title, profile in columns.items():
        if functions:
            text += f"\n\n{title}, the functions that cost the most:\n{hottest(profile, functions)}"
    return text
