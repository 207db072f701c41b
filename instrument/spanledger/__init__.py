"""The ledger of every LLM call: patches the provider SDKs so that each call leaves one OpenTelemetry span.

`spanledger run python app.py` and `opentelemetry-instrument python app.py` need no line of code; `init()` is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._guard import log
from ._registry import REGISTRY
from ._setup import use, use_endpoint, use_provider
from ._tags import ignore, set_everywhere, tag
from ._version import __version__
from .settings import BadSettingError, Settings, checked_endpoint, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.trace import TracerProvider

__all__ = ["__version__", "fallback", "ignore", "init", "instrument", "tag", "uninstrument", "validation"]


def init(
    endpoint: str | None = None,
    *,
    token: str | None = None,
    service_name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Record every LLM call of this process and send it to a Spanledger collector.

    Arguments go before SPANLEDGER_ENDPOINT, SPANLEDGER_TOKEN, OTEL_SERVICE_NAME and SPANLEDGER_TAGS; the default
    endpoint is http://127.0.0.1:4318. The application's own OpenTelemetry set-up is not touched. Raises ValueError for
    an endpoint that is not a URL.
    """
    checked = checked_endpoint(endpoint) if endpoint else None
    settings = _settings()
    if settings is None or settings.disabled:
        return
    _apply(settings, {**settings.tags, **(tags or {})})
    use_endpoint(checked or settings.endpoint, token or settings.token, service_name)
    REGISTRY.patch()


def instrument(tracer_provider: TracerProvider | None = None) -> None:
    """Record every LLM call of this process through `tracer_provider`.

    Without one: through a provider of our own when SPANLEDGER_ENDPOINT is set, else through the application's global
    provider, whenever that is set. Neither is ever set or changed here. Calling it again changes only where spans go.
    """
    settings = _settings()
    if settings is None or settings.disabled:
        return
    _apply(settings, settings.tags)
    if tracer_provider is None and settings.endpoint is not None:
        use_endpoint(settings.endpoint, settings.token)
    else:
        use_provider(tracer_provider)
    REGISTRY.patch()


def uninstrument() -> None:
    """Put the SDKs' own methods back. Streams already open are still recorded to their end."""
    REGISTRY.unpatch()


def validation(name: str, *, ok: bool, fields: Iterable[str] = (), errors: Iterable[str] = ()) -> None:
    """Say whether the last reply passed a check of the application's own: `validation("invoice totals", ok=False)`.

    `name`, `fields` (paths that failed) and `errors` (kinds of error, parallel to them) leave the process as given:
    name things, put no content there. Without a call before it in this context or trace, nothing is recorded.
    """
    from . import _judged

    _judged.validation(name, ok, fields, errors)


def fallback(to: str) -> None:
    """Say that the application now does without the last reply: `fallback("small model")`, `fallback("cached")`."""
    from . import _judged

    _judged.fallback(to)


def _settings() -> Settings | None:
    """None, and one line in the log, when a variable is unusable: that must not stop the application."""
    try:
        return from_environment()
    except BadSettingError as error:
        log.error("spanledger is off: %s", error)
        return None


def _apply(settings: Settings, tags: Mapping[str, str]) -> None:
    from ._fingerprint import set_key

    use(settings)
    set_everywhere(tags)
    set_key(settings.hash_key)
