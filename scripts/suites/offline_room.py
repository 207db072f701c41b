"""Run a command where no network is but loopback, and where a provider answers on 127.0.0.1:4010.

scripts/suites/offline_room.py COMMAND ... is started by `unshare --net --map-root-user` with the server environment's
Python. The SDKs' tests of their generated methods expect a mock of the provider's API at that address, without a
version in its paths; the simulator answers those that are billed, and refuses the others in all runs alike.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn

from spanledger_collector.demo.simulator import create_app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

PORT = 4010
_ASKED = [{"role": "user", "content": "string"}]
PLAIN: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"model": "string", "messages": _ASKED},
    "/v1/responses": {"model": "string", "input": "string"},
    "/v1/embeddings": {"model": "string", "input": "string"},
    "/v1/messages": {"model": "string", "max_tokens": 1024, "messages": _ASKED},
    "/v1/messages/count_tokens": {"model": "string", "messages": _ASKED},
}
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
_START_S = 20.0


def raise_loopback() -> None:
    """A new network namespace has its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _GET_FLAGS, request))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def forgiving(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """`app`, reached without /v1 too, and asked a plain question instead of the tests' made-up arguments."""

    async def answer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path = "/v1" + scope.get("path", "").removeprefix("/openai").removeprefix("/v1")  # /openai: groq's own
        if scope["type"] != "http" or path not in PLAIN:
            await app(scope, receive, send)
            return
        asked = await _json_body(receive)
        kept = {name: asked[name] for name in ("model", "stream") if name in asked}
        body = json.dumps({**PLAIN[path], **kept}).encode()
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await app({**scope, "path": path, "raw_path": path.encode(), "headers": headers}, _body(body, receive), send)

    return answer


async def _json_body(receive: Any) -> dict[str, Any]:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    asked = json.loads(body or b"{}")
    return asked if isinstance(asked, dict) else {}


def _body(body: bytes, receive: Any) -> Callable[[], Awaitable[Any]]:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Any:
        return pending.pop() if pending else await receive()

    return receiving


def serve_provider() -> None:
    config = uvicorn.Config(forgiving(create_app()), host="127.0.0.1", port=PORT, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    deadline = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the provider's simulator did not start on 127.0.0.1:{PORT} in {_START_S:.0f} s")
        time.sleep(0.01)


if __name__ == "__main__":
    raise_loopback()
    serve_provider()
    sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
