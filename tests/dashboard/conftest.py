from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from tests.support.browser import browser, watched  # noqa: F401 - fixtures of this folder

import spanledger_dashboard
from spanledger_dashboard import specification

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.api_double import ApiDouble

APP = Path(spanledger_dashboard.__file__).with_name("app.py")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Run the app in this process against an API, on a page by its path; query parameters as in the URL."""

    def run(api: ApiDouble, page: str = "", **query: Any) -> AppTest:
        monkeypatch.setenv("SPANLEDGER_API", api.url)
        monkeypatch.setattr(specification, "checked", True)
        st.cache_data.clear()
        st.cache_resource.clear()
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        if page:  # pages are functions; AppTest.switch_page() takes files only
            app._page_hash = calc_hash(page)
        return app.run()

    return run
