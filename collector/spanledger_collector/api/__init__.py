"""The HTTP API: named queries as JSON or an Arrow stream, status, health and metrics; and actions, which change things.

``create_app`` takes plain callables, called in worker threads, so they must be thread-safe:

- ``run_query(name, params)``: ``lambda name, params: queries.run(store, name, params)``;
- ``status()``: a JSON-ready mapping, answered as it is at /api/v1/status;
- ``metrics()``: Prometheus text, ``Counters.render``;
- ``ready()``: an empty string, or why the collector is not ready; then /readyz answers 503 with it;
- ``version``: for the OpenAPI document;
- ``actions``: what changes something, see ``actions.Action``, and what is read that is no table, ``reading.Reading``.

It knows no token: wrap it in ``access.guarded(app, token)``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from spanledger_collector.access import RIGHTS, VARIABLES
from spanledger_collector.queries import BadParameter, UnknownQuery
from spanledger_collector.store import QueryRefused

from . import description
from .actions import Action
from .reading import Reading
from .table import ARROW, JSON, arrow_stream, json_text
from .workers import Busy, Workers

if TYPE_CHECKING:
    import pyarrow as pa
    from starlette.requests import Request

__all__ = ["Action", "Reading", "create_app"]

RunQuery = Callable[[str, Mapping[str, Sequence[str]]], "pa.Table"]

_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_NARROWER: Final = "ask for a shorter time (from, to) or fewer calls (service, model, ...)"
_HEADERS: Final = {"cache-control": "no-store", "vary": "accept, authorization", "x-content-type-options": "nosniff"}


def create_app(
    *,
    run_query: RunQuery,
    status: Callable[[], Mapping[str, Any]],
    metrics: Callable[[], str],
    ready: Callable[[], str],
    version: str,
    actions: Sequence[Action | Reading] = (),
) -> Starlette:
    """The API listener's application; the module's docstring says what the callables are."""
    workers = Workers()
    probes = Workers(threads=2)  # of their own: how the collector is does not wait behind slow queries

    async def query(request: Request) -> Response:
        name, params = request.path_params["name"], _params(request)
        encode, media_type = _encoding(request, params.pop("format", []))
        body = await workers.run(lambda: encode(run_query(name, params)))
        return Response(body, media_type=media_type, headers=_HEADERS)

    async def described(request: Request) -> Response:
        return JSONResponse(description.queries() if request.url.path.endswith("queries") else document)

    async def state(_: Request) -> Response:
        return JSONResponse(await probes.run(status), headers=_HEADERS)

    async def counted(_: Request) -> Response:
        return Response(await probes.run(metrics), media_type=_PROMETHEUS)

    async def prepared(_: Request) -> Response:
        reason = await probes.run(ready)
        return PlainTextResponse(f"{reason or 'ready'}\n", 503 if reason else 200)

    document = description.openapi(version, actions)
    routes = [
        Route("/api/v1/query/{name}", query),
        Route("/api/v1/queries", described),
        Route("/api/v1/openapi.json", described),
        Route("/api/v1/status", state),
        Route("/metrics", counted),
        Route("/readyz", prepared),
        Route("/api/v1/rights", _rights),
        Route("/healthz", _healthy),
        *(action.route(workers, _HEADERS) for action in actions),
    ]
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


async def _healthy(_: Request) -> Response:
    """On the event loop itself: it answers as long as the process does."""
    return PlainTextResponse("ok\n")


async def _rights(request: Request) -> Response:
    """What the shown token opens; without tokens everything is open, and a token proves nothing."""
    rights = request.scope.get(RIGHTS)
    return JSONResponse({"rights": rights or list(VARIABLES), "token_needed": rights is not None}, headers=_HEADERS)


def _params(request: Request) -> dict[str, list[str]]:
    return {name: request.query_params.getlist(name) for name in request.query_params}


def _encoding(request: Request, asked: Sequence[str]) -> tuple[Callable[[pa.Table], bytes], str]:
    wanted = asked[0] if asked else "arrow" if ARROW in request.headers.get("accept", "") else "json"
    if wanted not in {"arrow", "json"}:
        raise BadParameter(f"parameter 'format' cannot be {wanted!r}: use json or arrow")
    return (arrow_stream, ARROW) if wanted == "arrow" else (json_text, JSON)


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status, {**_HEADERS, **(headers or {})})


async def _unknown_query(_: Request, error: Exception) -> Response:
    return _error(404, "unknown_query", str(error))


async def _bad_parameter(_: Request, error: Exception) -> Response:
    return _error(400, "bad_parameter", str(error))


async def _bad_value(_: Request, error: Exception) -> Response:
    return _error(400, "bad_value", str(error))


async def _absent(_: Request, error: Exception) -> Response:
    return _error(404, "not_found", str(error.args[0] if error.args else error))


async def _refused(_: Request, error: Exception) -> Response:
    limit = error.limit if isinstance(error, QueryRefused) else ""
    return _error(422, "query_too_large", f"the answer takes more {limit} than one query may: {_NARROWER}")


async def _busy(_: Request, error: Exception) -> Response:
    return _error(503, "busy", str(error), {"retry-after": "2"})


async def _http(request: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    if status == 404:  # noqa: PLR2004
        return _error(404, "not_found", f"nothing is at {request.url.path}: see /api/v1/openapi.json for what there is")
    return _error(status, "refused", f"{request.method} {request.url.path}: {getattr(error, 'detail', error)}", headers)


async def _failed(request: Request, error: Exception) -> Response:
    """Starlette raises the exception again for the server to log; its text may name what callers should not see."""
    logging.getLogger(__name__).error("%s failed: %s", request.url.path, type(error).__name__)
    return _error(500, "internal", f"{request.url.path} failed ({type(error).__name__}); the collector's log says why")


_HANDLERS: Final[Mapping[Any, Callable[[Request, Exception], Any]]] = {
    UnknownQuery: _unknown_query,
    BadParameter: _bad_parameter,
    ValueError: _bad_value,
    LookupError: _absent,
    QueryRefused: _refused,
    Busy: _busy,
    HTTPException: _http,
    Exception: _failed,
}
