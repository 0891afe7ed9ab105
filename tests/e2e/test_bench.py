"""What scripts/bench says at its end: how many conversations a day, and over how many WhatsApp numbers."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "load"))
import report  # noqa: E402

SIGNED, UNSIGNED = "redis+postgres-2w-256c-signed", "redis+postgres-2w-256c"


def runs(*rates):
    return [{"webhooks_per_second": rate} for rate in rates]


@pytest.mark.parametrize("rate, conversations, numbers", [
    (8102, "100.0 million", "17 WhatsApp numbers"),  # everybody of the DR Congo in a day
    (36645, "452.3 million", "74 WhatsApp numbers"),
    (500, "6.2 million", "1 WhatsApp number"),
    (500.5, "6.2 million", "2 WhatsApp numbers"),
])
def test_conversations_a_day_and_the_numbers_they_need(rate, conversations, numbers):
    text = "\n".join(report.capacity({SIGNED: runs(rate)}))
    assert f"**{conversations} conversations a day**: {rate:,.0f} messages a second" in text
    assert f"**{numbers}**" in text


def test_it_goes_by_the_median_of_what_is_signed():
    text = report.render({UNSIGNED: runs(90000), SIGNED: runs(7000, 8000, 70000)})
    assert text.rstrip().endswith("in and out.")
    assert "**98.7 million" in text and f"({SIGNED})" in text
    text = report.render({UNSIGNED: runs(7000)})
    assert "**86.4 million" in text and f"({UNSIGNED})" in text


def test_a_bench_without_whole_conversations_says_nothing_of_it():
    text = report.render({"floor-2w-256c": runs(90000)})
    assert "conversations a day" not in text and "|" in text
