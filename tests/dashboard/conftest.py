from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from tests.support.browser import browser, watched  # noqa: F401 - fixtures of this folder

import spanledger_dashboard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.api_double import ApiDouble

APP = Path(spanledger_dashboard.__file__).with_name("app.py")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Run the app in this process against an API; query parameters as in the URL."""

    def run(api: ApiDouble, **query: Any) -> AppTest:
        monkeypatch.setenv("SPANLEDGER_API", api.url)
        st.cache_data.clear()
        st.cache_resource.clear()
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        return app.run()

    return run


@contextmanager
def dashboard(api: str) -> Iterator[str]:
    """The real command in a process of its own; yields the pages' address."""
    command = [sys.executable, "-m", "spanledger_dashboard", "--port", "0", "--json", "--api", api]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())["dashboard"]
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def serve() -> Callable[[str], Any]:
    return dashboard
