"""A provider as the simulator serves it: endpoints, errors and headers in one value, registered with one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spanledger_collector.demo.exchange import Answer, Exchange
    from spanledger_collector.demo.faults import Allowance
    from spanledger_collector.demo.prose import Json

UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request; an empty message leaves the wording to the provider."""

    status: int
    message: str = ""
    param: str | None = None
    request_id: str = ""


Endpoint: TypeAlias = "Callable[[Exchange], Answer]"
Headers: TypeAlias = "Callable[[Allowance, str], Mapping[str, str]]"


def request_id_only(_: Allowance, request_id: str) -> Mapping[str, str]:
    return {"x-request-id": request_id}


def _nothing_more(_: Fault) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class ProviderApi:
    """One provider. ``mount`` + ``version`` is what its SDK's base URL adds to the simulator's own."""

    name: str
    endpoints: Mapping[str, Endpoint]  # by path behind the mount, parameters in Starlette's notation
    fault: Callable[[Fault], Json]
    broken_stream: Callable[[str], str | bytes]  # by path: what is sent when it fails with the reply half told
    reads: Mapping[str, Endpoint] = field(default_factory=dict)  # asked by GET; the query is their body
    mount: str = ""
    version: str = ""
    headers: Headers = request_id_only  # beside every reply
    fault_headers: Callable[[Fault], Mapping[str, str]] = _nothing_more
    overloaded: int = UNAVAILABLE
    retry_after: bool = True  # beside a 429
    keyless: bool = False  # serves requests without a key

    @property
    def base(self) -> str:
        return self.mount + self.version
