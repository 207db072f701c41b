"""Everything an application could notice of one run of a scenario, as facts that can be compared."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.simulator import Simulator

REMEMBERED = {"spanledger_last"}  # what `spanledger.validation()` judges: on purpose, and nothing reads it as current
ADDRESS = re.compile(r"\b[0-9a-f]{12}\b")  # a cancel scope is named by where it lies in memory
CLOSING = "an error occurred during closing of asynchronous generator"  # nested ones, in the order of their addresses
CLOCK = {"created", "created_at", "completed_at", "date", "x-amz-date", "amz-sdk-request", "timestamp", "create_time"}


class Facts:
    """Named facts in the order they were seen."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self._before = dict(copy_context())
        self._count = 0

    def saw(self, what: str, value: Any) -> Any:
        """A reply or a piece: its type, its content, and which context variables are not as they were."""
        self._count += 1
        name = f"{self._count} {what}"
        self.seen[f"{name} type"] = kind(value)
        self._flatten(name, plain(value))
        self.looked_around(name)
        return value

    def looked_around(self, when: str) -> None:
        now = dict(copy_context())
        changed = {v.name for v in {*self._before, *now} if self._before.get(v) is not now.get(v)}
        self.seen[f"{when} context"] = sorted(changed - REMEMBERED)

    def failed(self, error: BaseException) -> None:
        chain: BaseException | None = error
        for depth in range(5):
            if chain is None:
                break
            self.seen[f"error {depth} type"] = kind(chain)
            self.seen[f"error {depth} text"] = ADDRESS.sub("", str(chain))
            self.seen[f"error {depth} suppressed"] = chain.__suppress_context__
            chain = chain.__cause__ or chain.__context__

    def sent(self, provider: Simulator) -> None:
        for number, request in enumerate(provider.requests):
            name = f"request {number}"
            self.seen[f"{name} line"] = (request.method, request.path)
            self.seen[f"{name} body"] = request.body
            signed = CLOCK if "x-amz-date" not in request.headers else {*CLOCK, "authorization"}
            for header, value in request.headers.items():
                if header in signed:
                    continue
                self.seen[f"{name} header {header}"] = value

    def _flatten(self, name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key not in CLOCK:
                    self._flatten(f"{name}.{key}", inner)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self._flatten(f"{name}.{number}", inner)
        else:
            self.seen[name] = value


def kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def plain(value: Any) -> Any:
    """The content of an SDK's object as JSON-like data; of an opaque one nothing."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", warnings=False)
    if isinstance(value, (dict, list, str, bytes, int, float, type(None))):
        return value
    return None


class _Kept(logging.Handler):
    """What the program's own thread logs; the simulator runs in this process, too.

    A loop that ends closes the generators left to it in the order of a set, inner before outer or after: not compared.
    """

    def __init__(self, records: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.threadName != "provider-simulator" and not text.startswith(CLOSING):
            self._records.append(f"{record.name}: {text}")


@contextmanager
def warned() -> Iterator[dict[str, Any]]:
    """Warnings and log records of the run are facts, too."""
    seen: dict[str, Any] = {}
    records: list[str] = []
    handler = _Kept(records)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield seen
    finally:
        logging.getLogger().removeHandler(handler)
    seen["warnings"] = [(w.category.__name__, str(w.message), w.filename) for w in caught]
    seen["log"] = records


def differences(watched: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """How a watched run differs from two plain ones, where these agree. Only headers and ids may vary between them."""
    found = []
    for name in {**before, **watched}:
        if name not in watched or name not in before:
            found.append(f"{name}: only {'watched' if name in watched else 'plain'}")
        elif name in after and before[name] == after[name] and watched[name] != before[name]:
            found.append(f"{name}: {watched[name]!r} instead of {before[name]!r}")
    return found
