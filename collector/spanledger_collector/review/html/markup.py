"""HTML from data: every text is escaped here, and only what is ``Markup`` already is not."""

from __future__ import annotations

import unicodedata
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# First strong isolate and its end: a right-to-left name cannot reorder the sentence around it.
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_LONGEST: Final = 80
SENTENCES: Final = 400


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def text(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def join(parts: Iterable[object]) -> Markup:
    return Markup("".join(text(part) for part in parts))


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """``class_`` and ``stroke_width`` stand for class and stroke-width."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{given}>{join(content)}</{tag}>")


def name(told: str, unnamed: str = "(none)", longest: int = _LONGEST) -> Markup:
    """A name that came with telemetry: no control characters, of bearable length, isolated from what is around it."""
    plain = "".join(c for c in told if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    short = plain if len(plain) <= longest else f"{plain[: longest - 1]}\u2026"
    return text(f"{_ISOLATE}{short}{_END_ISOLATE}" if short.strip() else unnamed)


def said(told: str) -> Markup:
    """Sentences that may hold such names."""
    return name(told, longest=SENTENCES)


def table(header: Sequence[object], rows: Iterable[Sequence[object]], words: int = 1, empty: str = "") -> Markup:
    """The first ``words`` columns are words, the others figures. ``empty`` is said where there is no row."""
    body = [_row("td", row, words) for row in rows]
    if not body:
        return element("p", empty, class_="empty")
    return element("table", element("thead", _row("th", header, words)), element("tbody", *body))


def _row(tag: str, cells: Sequence[object], words: int) -> Markup:
    return element("tr", *(element(tag, cell, class_="w" if n < words else "n") for n, cell in enumerate(cells)))


def section(title: str, *content: object, why: str = "") -> Markup:
    head = (element("h2", title), element("p", why, class_="why")) if why else (element("h2", title),)
    return element("section", *head, *content)
