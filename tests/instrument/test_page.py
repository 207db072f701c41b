"""docs/instrument.md lists every attribute as semconv.py has it; run as a program, this file writes the list anew."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "instrument.md"
NAMES = ROOT / "instrument" / "spanledger" / "semconv.py"
SETTINGS = ROOT / "instrument" / "spanledger" / "settings.py"
START, END = "<!-- attributes: from semconv.py -->\n", "<!-- attributes end -->\n"


def attributes() -> str:
    lines = []
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"# --- (.+?) -+$", line):
            lines += [
                "",
                f"### {_title(heading[1])}",
                "",
                "| attribute | what it says |",
                "|---|---|",
            ]
        elif named := re.match(r'\w+: Final = "(.+?)"(?:  # (.+))?$', line):
            name = f"{named[1]}…" if named[1].endswith(".") else named[1]
            lines.append(f"| `{name}` | {(named[2] or '').replace('|', '/')} |")
    return "\n".join(lines).lstrip("\n") + "\n\n"


def _title(heading: str) -> str:
    text = heading.removeprefix("Spanledger: ")
    return text[0].upper() + text[1:]


def page(text: str) -> str:
    before, _, rest = text.partition(START)
    return before + START + "\n" + attributes() + END + rest.partition(END)[2]


def test_every_attribute_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)
    assert text.count("| `spanledger.") > 60


def test_every_variable_of_the_library_is_in_the_settings() -> None:
    known = set(re.findall(r'"(SPANLEDGER_[A-Z_]+|OTEL_INSTR[A-Z_]+)"', SETTINGS.read_text(encoding="utf-8")))
    told = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert len(known) >= 8
    assert {name for name in known if f"`{name}`" not in told} == set()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
