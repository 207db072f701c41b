"""One ASGI application on one address: bound before anything is opened, so that a busy port is known at once."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from spanledger_collector.settings import Address
    from spanledger_collector.tls import Tls

BACKLOG: Final = 512
MAX_CONNECTIONS: Final = 1024
GRACE_S: Final = 5


class CannotStart(Exception):
    """The collector cannot run here; the text names what stands in the way and the remedy."""


def bind(name: str, change: str, address: Address) -> socket.socket:
    """A listening socket; `change` is the flag with its argument that moves it. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio turns off Nagle on such only
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise cannot_bind(name, change, address, error) from error
    return listening


def cannot_bind(name: str, change: str, address: Address, error: OSError) -> CannotStart:
    """The one text for every listener."""
    if error.errno == errno.EADDRINUSE:
        return CannotStart(
            f"{name} cannot listen on {address}: the port is in use, perhaps by another collector. "
            f"Stop that process or choose another port with {change} (0 takes a free one)"
        )
    return CannotStart(f"{name} cannot listen on {address}: {error.strerror}. Choose another address with {change}")


class Listener(uvicorn.Server):
    """Runs inside a loop that somebody else started and stops."""

    def __init__(self, app: ASGIApp, tls: Tls | None = None) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
            **(tls.of_uvicorn() if tls else {}),
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the service: it stops all listeners, in order."""
        yield
