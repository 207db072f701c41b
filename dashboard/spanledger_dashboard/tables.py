"""Tables: rows in, what `st.dataframe` shows out. Cells stay numbers for sorting; their text is ours."""

from __future__ import annotations

import csv
import functools
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st
from streamlit.column_config import DatetimeColumn, LinkColumn, NumberColumn, TextColumn

from spanledger_dashboard import links
from spanledger_dashboard.format import UNKNOWN, count, duration, label, money, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from streamlit.delta_generator import DeltaGenerator
    from streamlit.elements.lib.column_types import ColumnConfig

    from spanledger_dashboard.cache import Row

_LONGEST_CELL: Final = 200
_ROW_PIXELS: Final = 33
# Pixels, so that a name of ten thousand characters cannot push the cost out of sight.
_CALL_WIDTHS: Final = {"Service": 120, "Model": 160, "Outcome": 130, "Cost basis": 130, "Feature": 100}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
Formats = dict[str, "Callable[[Any], str]"]


def spend_by(dimension: str, rows: Sequence[Row], most_rows: int = 7) -> None:
    """Keys by money, with how much of each is priced."""
    title = dimension.capitalize()
    frame = pd.DataFrame(
        {
            title: [cell(row["key"]) for row in rows],
            "Calls": [row["calls"] for row in rows],
            "Failed": [row["failures"] for row in rows],
            "Priced": [row["coverage"] for row in rows],
            "Spend": [row["cost_usd"] for row in rows],
            "See": [links.calls(**{dimension: row["key"]}) for row in rows],
        }
    )
    columns = {title: TextColumn(width=150), "See": see_column()}
    columns["Spend"] = NumberColumn(help="Unknown prices are in no sum.")
    styled(frame, {"Calls": count, "Failed": count, "Priced": share, "Spend": money}, columns, most_rows)


def failures(rows: Sequence[Row], zone: tzinfo, most_rows: int = 7) -> None:
    """What failed, where, how often and when last."""
    frame = pd.DataFrame(
        {
            "Error": [cell(row["error_type"]) for row in rows],
            "Status": [str(row["http_status"] or "none") for row in rows],
            "Model": [cell(row["model"]) for row in rows],
            "Last seen": [row["last_seen"] for row in rows],
            "Calls": [row["calls"] for row in rows],
            "See": [links.calls(("error_type", row["error_type"]), model=row["model"]) for row in rows],
        }
    )
    columns = {
        "See": see_column(),
        "Error": TextColumn(width=170),
        "Model": TextColumn(width=150),
        "Last seen": time_column("Last seen", zone),
    }
    styled(frame, {"Calls": count}, columns, most_rows)


def latest_calls(rows: Sequence[Row], zone: tzinfo, most_rows: int = 10) -> None:
    """Calls as they come in. The cost says how far it can be trusted: plain, with ≈, or unknown."""
    frame = pd.DataFrame(
        {
            "Started": [row["start"] for row in rows],
            "Service": [cell(row["service"]) for row in rows],
            "Model": [cell(row["model"]) for row in rows],
            "Outcome": [_outcome(row) for row in rows],
            "Tokens": [_tokens(row) for row in rows],
            "Duration": [row["duration_ms"] for row in rows],
            "Cost": [row["cost_usd"] for row in rows],
            "Cost basis": [_basis(row) for row in rows],
            "Trace": [f"trace?trace_id={row['trace_id']}" for row in rows],
            "Feature": [cell(row["feature"]) for row in rows],
            "Called from": [_place(row["call_site"]) for row in rows],
        }
    )
    modelled = [row["cost_grade"] == "modelled" for row in rows]
    columns = {
        "Started": time_column("Started", zone),
        **{title: TextColumn(width=width) for title, width in _CALL_WIDTHS.items()},
        "Tokens": TextColumn("Tokens in → out", alignment="right"),
        "Duration": NumberColumn(help="Unknown where nobody waited: replies of a batch, work in the background."),
        "Trace": LinkColumn(width=95, display_text="trace_id=(.{8})", help="Opens the trace."),
    }
    styled(frame, {"Duration": duration, "Cost": money}, columns, most_rows, approximate={"Cost": modelled})


def styled(
    frame: pd.DataFrame,
    formats: Formats,
    columns: Mapping[str, ColumnConfig],
    most_rows: int,
    approximate: Mapping[str, Sequence[bool]] | None = None,
    *,
    missing: str = UNKNOWN,
) -> None:
    drawn = frame.style.format({column: _said(text) for column, text in formats.items()})
    for column, rows in (approximate or {}).items():
        drawn = drawn.format(_approximately(formats[column]), subset=pd.IndexSlice[frame.index[list(rows)], [column]])
    # Half a row more than fits says that there is more to scroll to.
    height: int | Literal["content"] = "content" if len(frame) <= most_rows else int(_ROW_PIXELS * (most_rows + 1.5))
    st.dataframe(drawn, hide_index=True, column_config=dict(columns), height=height, placeholder=missing)


def _said(text: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: text(None if pd.isna(value) else value)


def _approximately(text: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: f"≈ {text(value)}"


def time_column(title: str, zone: tzinfo) -> ColumnConfig:
    return DatetimeColumn(f"{title} ({zone})", format="MMM DD, HH:mm:ss", timezone=str(zone))


def see_column() -> ColumnConfig:
    return LinkColumn(width=60, display_text="calls", help="Opens the calls behind this row.")


def _outcome(row: Row) -> str:
    error = f" · {cell(row['error_type'])}" if row["error_type"] else ""
    retries = f" · {row['attempts']} attempts" if row["attempts"] > 1 else ""
    return f"{row['outcome']}{error}{retries}"


def _tokens(row: Row) -> str:
    told = row["input_tokens"], row["output_tokens"]
    return UNKNOWN if told == (None, None) else " → ".join(count(tokens) for tokens in told)


def _basis(row: Row) -> str:
    return f"{row['cost_grade']}: {cell(row['cost_reason'])}" if row["cost_reason"] else str(row["cost_grade"])


def _place(call_site: str) -> str:
    """File and line with the folder that tells one app.py from another; the download has the whole path."""
    return cell("/".join(call_site.split("/")[-2:]))


def cell(text: str) -> str:
    return label(text, _LONGEST_CELL)


def download(rows: Sequence[Row], name: str, place: DeltaGenerator) -> None:
    """The rows behind a card, every digit of them; a file is made when it is asked for."""
    with place.popover("Download", icon=":material/download:", type="tertiary", key=f"save-{name}"):
        for ending, (said, media, make) in _FILES.items():
            st.download_button(
                said,
                functools.partial(make, rows),
                f"{name}.{ending}",
                media,
                type="tertiary",
                on_click="ignore",
                key=f"download-{name}-{ending}",
            )


def as_parquet(rows: Sequence[Row]) -> bytes:
    """Money as exact decimals, times with their zone, unknown as null."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{k: _parquet_cell(v) for k, v in row.items()} for row in rows]), sink)
    return sink.getvalue()


def _parquet_cell(value: Any) -> Any:
    """A map, which Arrow hands over as pairs, as JSON; an empty list as null, for it does not say of what it is."""
    if value == []:
        return None
    is_map = isinstance(value, list) and bool(value) and isinstance(value[0], tuple)
    return json.dumps(dict(value), default=str) if is_map or isinstance(value, dict) else value


def as_csv(rows: Sequence[Row]) -> str:
    """Exact decimals in plain notation; unknown is empty; text a spreadsheet would run as a formula is quoted."""
    text = io.StringIO()
    writer = csv.writer(text)
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_csv_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return f"{value:f}" if isinstance(value, Decimal) else value


_FILES: Final[dict[str, tuple[str, str, Callable[[Sequence[Row]], str | bytes]]]] = {
    "csv": ("CSV", "text/csv", as_csv),
    "parquet": ("Parquet", "application/vnd.apache.parquet", as_parquet),
}
