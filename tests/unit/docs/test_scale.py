"""What `docs/scale.md` calculates follows from the code's constants, and from what is measured."""

import math
import re
from pathlib import Path

import pytest

from tests.benchmarks.scale import measure_jobs
from workers.fleet.leases import LeaseTerms
from workers.prices.price_list import load_prices
from workers.scheduling.start_rate import (
    FREE_STARTS_PER_MINUTE,
    MIN_USED_SHARE,
    SERVICE_GROWTH,
)

PAGE = Path("docs/scale.md").read_text()
SESSIONS_A_NODE, MINUTES_A_RECORDING, EVENTS_A_SESSION = 100, 10, 2
FIRST_STARTS_PER_MINUTE = 100  # of a paid account


def cost_of(what: str) -> float:
    """A figure of the table of costs."""
    row = re.search(rf"^\| {what}.*\| ([\d.]+) \S+ \|$", PAGE, re.MULTILINE)
    assert row is not None
    return float(row[1])


def number(text: str) -> float:
    return float(text.replace(",", "").split()[0])


@pytest.mark.parametrize("nodes", [10, 100, 1_000])
def test_the_row_of_a_size_is_right(nodes: int) -> None:
    """Sessions, events, shares of a core, starts, the minutes until they are allowed, the price."""
    row = re.search(rf"^\| {nodes:,} \|(.*)\|$", PAGE, re.MULTILINE)
    assert row is not None
    sessions, events, core, beats, starts, minutes, price = row[1].split(" | ")
    expected = nodes * SESSIONS_A_NODE
    assert number(sessions) == expected
    assert number(events) == expected * EVENTS_A_SESSION
    assert number(core) == round(number(events) * cost_of("an event") / 1e4)
    assert number(beats) == pytest.approx(2 * nodes * cost_of("a beat") / 1e4, rel=0.3)
    assert number(starts) == expected / MINUTES_A_RECORDING
    growth = math.log(number(starts) / FIRST_STARTS_PER_MINUTE, SERVICE_GROWTH)
    assert (0 if minutes == "at once" else number(minutes)) == math.ceil(growth)
    assert f"of the list of {load_prices().date}" in PAGE
    assert number(price) == expected * load_prices().streaming["u3-rt-pro"]


def test_the_rules_of_the_service_are_those_of_the_limiter() -> None:
    """A tenth more after a minute in which 70 % was used; 5 starts for a free account."""
    assert SERVICE_GROWTH == pytest.approx(1.1)
    assert MIN_USED_SHARE == pytest.approx(0.7)
    assert f"A free account starts {FREE_STARTS_PER_MINUTE}," in PAGE
    assert f"more than {FREE_STARTS_PER_MINUTE * MINUTES_A_RECORDING} sessions" in PAGE


def test_the_times_of_leases_are_those_of_the_terms() -> None:
    """How long a lease lasts, when its sessions end, and when it comes back."""
    terms = LeaseTerms()
    assert f"a **lease** of {terms.lease_s:g} s" in PAGE
    assert f"with Terminate, {terms.end_lead_s:g} s" in PAGE
    assert f"an `inactivity_timeout` of {terms.inactivity_timeout_s} s" in PAGE
    assert f"comes back to the others {terms.fenced_s:.0f} s after" in PAGE
    assert f"less than {(terms.drift_ratio - 1) * 100:.1f} %" in PAGE


def test_a_job_takes_so_many_bytes_in_the_index(tmp_path: Path) -> None:
    """Measured with 60 jobs; the bytes of one do not depend on how many there are."""
    _, bytes_each = measure_jobs(tmp_path, 60)
    assert cost_of("a job in the finished index") == pytest.approx(bytes_each / 1000, rel=0.2)
