"""All detectors over all pitfalls at once, each at a place of its own, and over all their clean twins.

What fires beside the detector that a pitfall was made for is declared: an undeclared finding is a false alarm, and a
declared one that stops firing has to be taken out.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.collector.detect.test_call_detectors import PITFALLS, traffic
from tests.support.traffic import write

from spanledger_collector.detect import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_LINE = 100
# True as well: what is repeated in vain or in haste is also repeated often; long instructions are also a common prefix.
# And short replies of a fixed form that are drawn too warm are short replies of a fixed form.
BESIDE = {"D14": {"D12"}, "D13": {"D12"}, "D27": {"D7"}, "D40": {"D29"}}
# Of a twin that only its own detector calls clean: patient repeats are repeats, whole replies that fail still fail.
CLEAN_BESIDE = {"D14": {"D12"}, "D13": {"D12"}, "D37": {"D36"}, "D40": {"D29"}}


def found_by_place(ledger: Any, look: Any, of: Callable[[Any], Any]) -> dict[str, set[str]]:
    """Which detectors spoke of the place of each pitfall."""
    for number, row in enumerate(PITFALLS):
        told = of(row)
        line = FIRST_LINE + number

        def placed(n: int, told: Any = told, line: int = line) -> dict[str, Any]:
            return {"code_line": line, "service": f"service-{line}", **told(n)}

        write(ledger, traffic(f"{row[0]} {line}", placed))
    names = {f"service-{FIRST_LINE + number}": row[0] for number, row in enumerate(PITFALLS)}
    found: dict[str, set[str]] = defaultdict(set)
    for finding in look(*DETECTORS):
        found[names[finding["service"]]].add(finding["detector"])
    return found


def test_every_pitfall_is_found_and_nothing_undeclared(ledger: Any, look: Any) -> None:
    found = found_by_place(ledger, look, lambda row: row[1])
    expected = {row[0]: {row[0]} | BESIDE.get(row[0], set()) for row in PITFALLS}
    assert found == expected


def test_clean_twins_are_silent(ledger: Any, look: Any) -> None:
    found = found_by_place(ledger, look, lambda row: row[4])
    own = {name for name in found if name in found[name]}
    assert own == set()
    assert {name: ids for name, ids in found.items() if ids} == CLEAN_BESIDE


@pytest.mark.parametrize("field", ["title", "why", "fix", "verify"])
def test_every_finding_speaks_in_whole_sentences(ledger: Any, look: Any, field: str) -> None:
    write(ledger, [each for row in PITFALLS[:6] for each in traffic(row[0], row[1])])
    for finding in look(*DETECTORS):
        text = finding[field]
        assert text
        assert "{" not in text
        assert "None" not in text


def test_the_page_about_detectors_has_them_all_in_their_own_words() -> None:
    page = (Path(__file__).parents[3] / "docs/detectors.md").read_text(encoding="utf-8")
    for detector in DETECTORS:
        module = inspect.getmodule(detector.find)
        assert module is not None
        assert module.__doc__ is not None
        name, _, words = module.__doc__.split("\n\n")[0].replace("\n", " ").partition(": ")
        assert name == detector.id
        assert f"| {detector.id} | {detector.claims or '-'} | {words.strip()} |" in page


def test_of_many_calls_the_newest_of_each_place_are_read_and_all_are_counted(ledger: Any) -> None:
    write(ledger, [each for row in PITFALLS[:3] for each in traffic(row[0], row[1])])
    rows = ledger.rows("call_facts", limit="5")
    assert len(rows) == 5
    assert {(row["calls"], row["days"]) for row in rows} == {(120, 2)}
    assert len(ledger.rows("call_facts", limit="50", most="30")) == 30
