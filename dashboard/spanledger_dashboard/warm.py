"""What the first viewer would wait for is done before pages are served: modules, and each library's first use."""

from __future__ import annotations

import gc
import importlib
import pkgutil


def up() -> None:
    """Load every page with what it draws by. What is there then stays, so the garbage collector leaves it aside."""
    from spanledger_dashboard import views

    for page in pkgutil.iter_modules(views.__path__, f"{views.__name__}."):
        importlib.import_module(page.name)
    _draw_once()
    gc.collect()
    gc.freeze()


def _draw_once() -> None:
    """A chart and a table of one row: both libraries put much off until they are first used."""
    import altair as alt
    import pandas as pd

    frame = pd.DataFrame({"x": [1]})
    alt.Chart(frame).mark_bar().encode(x=alt.X("x:Q")).to_dict()
    frame.style.format(str).to_html()
