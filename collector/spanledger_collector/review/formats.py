"""The forms a review comes in. A form is one line here."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from spanledger_collector.review import html, page, pdf, slack, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanledger_collector.review.pack import Pack


def _csv(pack: Pack) -> bytes:
    out = io.StringIO()
    table.write(pack, out)
    return out.getvalue().encode()


FORMATS: Final[Mapping[str, Callable[[Pack], bytes]]] = {
    "md": lambda pack: page.page(pack).encode(),
    "html": lambda pack: html.document(pack).encode(),
    "pdf": lambda pack: pdf.printed(html.document(pack)),
    "csv": _csv,
    "slack": lambda pack: slack.message(pack).encode(),
}
