"""Does the library harm an SDK? Each SDK's own test suite, every test's outcome without the library and with it.

    .venv/bin/python scripts/sdk_suites.py [SUITE ...] [--bounded] [--brief] [--kept] [--markdown FILE] [--json FILE]

A suite is run twice plain (to know its flaky tests), once with our pytest plugin loaded and nothing instrumented (the
control) and once instrumented, one run at a time, with no network but loopback. With --brief or --bounded it is run
once plain and once instrumented, and plain again only when an outcome differs; with --kept the plain outcomes, in which
the library has no part, are those of the last run. The instrumented run counts only with
proof from the very process that ran the tests: patches placed and spans exported. Exits with 1 when an outcome changed,
or the proof is missing. Needs Linux (`unshare`) and the package index for what is not in .cache/sdk-suites yet.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from suites.environments import SuiteBroken, environment, library, selected, source
from suites.runs import Run, kept_run, run_suite
from suites.table import SUITES, Suite

MISSING: Final = "not run"


@dataclass(frozen=True)
class Variant:
    """What is compared: `base`, run twice, against `control` and against `active`."""

    name: str
    base: str
    control: str | None
    active: str


PLAIN: Final = Variant("", "plain", "loaded", "recorded")
TRACED: Final = Variant(", traced application", "traced", None, "traced-recorded")


@dataclass(frozen=True)
class Comparison:
    """One row of the report. A test is told with its outcomes: the base's, then the other run's."""

    suite: str
    outcomes: dict[str, int]  # of the first base run
    proof: dict[str, Any]
    flaky: dict[str, list[str]]
    control_changed: dict[str, list[str]]
    changed: dict[str, list[str]]
    left_out: dict[str, str]
    brief: bool = False  # what is flaky, and what the control changes, was not asked

    @property
    def problems(self) -> list[str]:
        """Why this row proves nothing, or what it proves against us."""
        found = [f"{test}: {' -> '.join(both)}" for test, both in self.changed.items()]
        found += [f"the library failed inside: {fault} ({n} times)" for fault, n in self.proof["faults"].items()]
        found += [f"nothing proven: {name} is 0" for name in ("patches", "spans") if not self.proof[name]]
        if self.proof["tests_run"] != sum(self.outcomes.values()):
            found.append(f"the instrumented process ran {self.proof['tests_run']} tests, the plain one another number")
        return found


def differences(base: Run, other: Run, flaky: dict[str, list[str]]) -> dict[str, list[str]]:
    both = {
        test: [base.outcomes.get(test, MISSING), other.outcomes.get(test, MISSING)]
        for test in sorted(base.outcomes | other.outcomes)
    }
    return {test: pair for test, pair in both.items() if pair[0] != pair[1] and test not in flaky}


def compare(suite: Suite, variant: Variant, asked: argparse.Namespace) -> Comparison:
    brief = asked.brief or asked.bounded or asked.kept
    folder = source(suite)
    python = environment(suite, folder)
    tests = selected(suite, folder, bounded=asked.bounded)

    def once(mode: str) -> Run:
        done = run_suite(suite, python, folder, tests, mode)
        print(f"{suite.name} {mode}: {dict(Counter(done.outcomes.values()))} in {done.seconds:.0f} s", file=sys.stderr)
        return done

    first = (kept_run(suite, variant.base) if asked.kept else None) or once(variant.base)
    flaky = {} if brief else differences(first, once(variant.base), {})
    control = once(variant.control) if variant.control and not brief else first
    active = once(variant.active)
    if brief:  # what changed is told from what is flaky only then
        changed = differences(first, active, {})
        flaky = differences(first, once(variant.base), {}) if changed else {}
    return Comparison(
        suite=suite.name + variant.name,
        outcomes=dict(Counter(first.outcomes.values())),
        proof=active.proof,
        flaky=flaky,
        control_changed=differences(first, control, flaky),
        changed=differences(first, active, flaky),
        left_out=suite.left_out | suite.deselected,
        brief=brief,
    )


def table(rows: list[Comparison]) -> str:
    lines = [
        "| suite | tests | passed plain | flaky plain | patches | spans | changed by the control | outcome changed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        flaky, control = ("-", "-") if row.brief else (len(row.flaky), len(row.control_changed))
        cells = [row.suite, sum(row.outcomes.values()), row.outcomes.get("passed", 0), flaky]
        cells += [row.proof["patches"], row.proof["spans"], control, f"**{len(row.changed)}**"]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    notes = [f"- {row.suite}: {problem}" for row in rows for problem in row.problems]
    notes += [f"- {row.suite} leaves out {glob}: {why}" for row in rows for glob, why in row.left_out.items()]
    return "\n".join(lines + ([""] if notes else []) + notes)


def chosen(names: list[str]) -> list[Suite]:
    known = {suite.name: suite for suite in SUITES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SuiteBroken(f"no suite is called {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(SUITES)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("suites", nargs="*", metavar="SUITE", help="package-version; all by default")
    asked.add_argument("--bounded", action="store_true", help="a part of some suites, in a minute")
    asked.add_argument("--brief", action="store_true", help="each run once; plain again only to tell what is flaky")
    asked.add_argument("--kept", action="store_true", help="brief, and the plain outcomes are the last run's")
    asked.add_argument("--markdown", type=Path, help="also write the table here")
    asked.add_argument("--json", type=Path, help="write every changed, flaky and left-out test here")
    given = asked.parse_args()
    try:
        suites = [suite for suite in chosen(given.suites) if suite.bounded or not given.bounded]
        pairs = [(suite, v) for suite in suites for v in ((PLAIN, TRACED) if suite.traced else (PLAIN,))]
        library()
        rows = [compare(suite, variant, given) for suite, variant in pairs]
    except SuiteBroken as broken:
        print(f"error: {broken}", file=sys.stderr)
        return 1
    print(table(rows))
    if given.markdown:
        given.markdown.write_text(table(rows) + "\n")
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 1 if any(row.problems for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
