"""Usage and cost exports of providers, read into rows by day and model. A format is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanledger_collector.ledger.exports import anthropic, generic, openai
from spanledger_collector.ledger.exports.bill import Bill, ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["FORMATS", "Bill", "ExportError"]

FORMATS: Final[dict[str, Callable[[str, str], Iterator[Bill]]]] = {  # of the file's text and a provider's name
    "openai": openai.read,
    "anthropic": anthropic.read,
    "csv": generic.read,
}
