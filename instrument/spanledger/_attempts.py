"""The HTTP requests of one logical call, seen at the SDK's own retry points without wrapping what sends them."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final

from . import semconv
from ._headers import retry_after, status_of

_NO_RESPONSE: Final = 0


class Attempts:
    """Filled while the call runs. The first attempt starts with the call; each further one when its wait is over.

    SDKs show either each wait (`failed`, then `slept`), or each request (`failed` after it, `sent` before the next):
    there the last one that failed was not made again.
    """

    __slots__ = ("_durations", "_errors", "_retry_afters", "_started", "_statuses", "_waits")

    def __init__(self) -> None:
        self._statuses: list[int] = []
        self._errors: list[str] = []
        self._durations: list[float] = []
        self._waits: list[float] = []
        self._retry_afters: list[float] = []
        self._started = perf_counter()

    def failed(self, response: Any, error: BaseException | None) -> None:
        """An attempt failed: `response` is what came, if anything."""
        self._durations.append(perf_counter() - self._started)
        self._statuses.append(_NO_RESPONSE if response is None else status_of(response))
        self._errors.append(type(error).__name__ if error is not None and response is None else "")
        self._retry_afters.append(-1.0 if response is None else retry_after(response))
        self._started = perf_counter()

    def slept(self) -> None:
        now = perf_counter()
        self._waits.append(now - self._started)
        self._started = now

    def sent(self) -> None:
        """A request goes out: if one failed before, the wait after it is over."""
        if len(self._waits) < len(self._statuses):
            self.slept()

    @property
    def seen(self) -> bool:
        return bool(self._statuses)

    def attributes(self, status: int, error: str, ended: float, asked_to_wait: float) -> dict[str, Any]:
        """Closes the last attempt. The arrays are there when there is more to tell than one attempt's status."""
        if len(self._waits) == len(self._statuses):
            self._statuses.append(status)
            self._errors.append(error)
            self._durations.append(max(0.0, ended - self._started))
            self._retry_afters.append(asked_to_wait)
        attempts = len(self._statuses)
        if attempts == 1:
            return {semconv.ATTEMPTS: 1}
        return {
            semconv.ATTEMPTS: attempts,
            semconv.HTTP_RESEND_COUNT: attempts - 1,
            semconv.ATTEMPT_STATUSES: self._statuses,
            semconv.ATTEMPT_ERRORS: self._errors,
            semconv.ATTEMPT_DURATIONS: self._durations,
            semconv.ATTEMPT_WAITS: [*self._waits, 0.0],
            semconv.ATTEMPT_RETRY_AFTERS: self._retry_afters,
        }
