"""The pack as one self-contained HTML document that prints: page one answers the meeting, appendices show the rest."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from . import appendix, front
from .markup import Markup, element, join

if TYPE_CHECKING:
    from spanledger_collector.review.pack import Pack


def document(pack: Pack) -> str:
    style = (resources.files(__package__) / "style.css").read_text("utf-8")
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", f"LLM spend review, {pack.period}"),
        element("style", Markup(style)),
    )
    parts = front.page(pack) if pack.is_empty else join((front.page(pack), appendix.pages(pack)))
    return f"<!doctype html>\n{element('html', head, element('body', parts), lang='en')}\n"
