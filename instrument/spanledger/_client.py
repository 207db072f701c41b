"""What is configured on an SDK's client, or given in its place: provider, server, timeout, a raw response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from . import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .integrations._shape import Attributes, Integration

_RAW_HEADER: Final = "X-Stainless-Raw-Response"
_servers: WeakKeyDictionary[Any, tuple[Any, Attributes]] = WeakKeyDictionary()  # client -> its URL, what it says


def is_raw(kwargs: Mapping[str, Any]) -> bool:
    headers = kwargs.get("extra_headers")
    return isinstance(headers, dict) and _RAW_HEADER in headers


def seconds(timeout: Any) -> float | None:
    if isinstance(timeout, (int, float)):
        return float(timeout)
    read = getattr(timeout, "read", None)  # httpx.Timeout
    return float(read) if isinstance(read, (int, float)) else None


def server(client: Any, integration: Integration) -> Attributes:
    """Provider, host and port of `client`, kept as long as its base URL is the same object."""
    url = integration.url_of(client)
    known = _servers.get(client)
    if known is not None and known[0] is url:
        return known[1]
    found: Attributes = {semconv.PROVIDER_NAME: integration.provider, **integration.read_client(client)}
    parts = urlsplit(url) if isinstance(url, str) else url
    host = getattr(parts, "hostname", None) or getattr(parts, "host", None)
    if host:
        found[semconv.SERVER_ADDRESS] = host
        found[semconv.SERVER_PORT] = parts.port or (80 if parts.scheme == "http" else 443)
        for end, provider in integration.hosts.items():
            if host.endswith(end):
                found[semconv.PROVIDER_NAME] = provider
    provider_by_kind = integration.clients.get(integration.kind_of(client))
    if provider_by_kind is not None:
        found[semconv.PROVIDER_NAME] = provider_by_kind
    _servers[client] = (url, found)
    return found
