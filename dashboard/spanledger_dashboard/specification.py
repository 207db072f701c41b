"""A chart as Streamlit takes it: it asks for the specification and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

checked = False  # against Vega-Lite's schema. That takes longer than the rest of a chart; tests set it


@dataclass(frozen=True, slots=True)
class Specification:
    """Stands for the chart."""

    chart: alt.Chart | alt.LayerChart

    def to_dict(self) -> dict[str, Any]:
        """Vega-Lite; with ``checked``, raises Altair's SchemaValidationError."""
        return self.chart.to_dict(validate=checked)
