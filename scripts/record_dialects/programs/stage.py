"""What every recorded program says to the stage: which call it makes next, and that it has been told of."""

from __future__ import annotations

import http.client
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = os.environ["STAGE_URL"]
OTLP = f"{URL}/v1/traces"


def _say(path: str) -> None:
    connection = http.client.HTTPConnection(URL.removeprefix("http://"), timeout=10)
    connection.request("POST", f"/_stage/{path}")
    connection.getresponse().read()
    connection.close()


@contextmanager
def scene(api: str, name: str, flush: Callable[[], object], scenario: str = "", replies: int = 1) -> Iterator[None]:
    """One scenario. Whatever the call raises is the SDK's own answer to it."""
    _say(f"begin/{api}/{scenario or name}/{replies}/{name}")
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a refused call is part of the play
        sys.stderr.write(f"{api} {name}: {type(error).__name__}: {error}\n")
    flush()
    _say("end")
