"""Tables of any rows: which field stands under which title, and how its values are said."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from streamlit.column_config import LinkColumn, TextColumn

from spanledger_dashboard import tables
from spanledger_dashboard.format import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from streamlit.elements.lib.column_types import ColumnConfig

    from spanledger_dashboard.cache import Row

_WIDTHS: Final = {"text": 150, "right": 115, "finding": 285, "wide": 420, "trace": 110}
SEE: Final = {"See": ("see", "calls")}  # the column that leads to the calls behind a row


def draw(
    rows: Sequence[Row],
    fields: Mapping[str, tuple[str, Any]],
    zone: tzinfo = timezone.utc,
    most_rows: int = 10,
    *,
    missing: str = UNKNOWN,
) -> None:
    """Title to field and kind: text from spans, wide text, a time, a trace or calls (links), or what says a number.

    ``missing`` is what the rows' None means.
    """
    frame = pd.DataFrame({title: [_cell(row[name], kind) for row in rows] for title, (name, kind) in fields.items()})
    formats = {title: kind for title, (_, kind) in fields.items() if callable(kind)}
    columns = {title: _column(title, kind, zone) for title, (_, kind) in fields.items() if not callable(kind)}
    tables.styled(frame, formats, columns, most_rows, missing=missing)


def _cell(value: Any, kind: Any) -> Any:
    if kind in ("text", "right", "finding", "wide"):
        return tables.cell(", ".join(value) if isinstance(value, list) else str(value or ""))
    if kind == "trace":
        return f"trace?trace_id={value[0]}" if value else ""
    return value


def _column(title: str, kind: str, zone: tzinfo) -> ColumnConfig:
    if kind == "time":
        return tables.time_column(title, zone)
    if kind == "calls":
        return tables.see_column()
    if kind == "trace":
        return LinkColumn(width=_WIDTHS[kind], display_text="trace_id=(.{8})", help="Opens one of them.")
    return TextColumn(width=_WIDTHS[kind], alignment="right" if kind == "right" else None)
