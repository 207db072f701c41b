"""What is read with a query string and is no table: an object of JSON, or a file to keep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from spanledger_collector.queries.parameter import BadParameter

from .actions import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from starlette.requests import Request

    from spanledger_collector.queries import Parameter

    from .workers import Workers

Json = dict[str, Any]
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """``body`` stands at its beginning; it is read to its end and closed."""

    name: str
    media_type: str
    body: IO[bytes]


@dataclass(frozen=True, slots=True)
class Reading:
    """``run`` gets every parameter's value by name; it raises ValueError for what cannot be used: 400."""

    path: str
    doc: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Mapping[str, Any]], Mapping[str, Any] | File]
    media_types: tuple[str, ...] = ("application/json",)
    method: Literal["GET"] = "GET"

    @property
    def name(self) -> str:
        return self.path.strip("/").replace("/", "_").replace("-", "_")

    def route(self, workers: Workers, headers: Mapping[str, str]) -> Route:
        async def answer(request: Request) -> Response:
            asked = self._asked({name: request.query_params.getlist(name) for name in request.query_params})
            found = await workers.run(lambda: self.run(asked))
            if isinstance(found, File):
                return _download(found, headers)
            return Response(json.dumps(found, default=plain), media_type="application/json", headers=dict(headers))

        return Route(f"/api/v1{self.path}", answer, methods=[self.method])

    def _asked(self, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise BadParameter(f"parameter {name!r} is not known here; known are {', '.join(known)}")
        return {name: parameter.value(given.get(name, ())) for name, parameter in known.items()}

    def described(self) -> Json:
        """The operation in the OpenAPI document."""
        said = {"400": "A parameter cannot be used.", "401": "The token is missing or wrong."}
        content: Json = {media_type: {} for media_type in self.media_types}
        return {
            "operationId": self.name,
            "summary": self.doc,
            "parameters": [_described(parameter) for parameter in self.parameters],
            "responses": {
                "200": {"description": self.doc, "content": content},
                **{code: {"description": text} for code, text in said.items()},
            },
        }


def _described(parameter: Parameter) -> Json:
    schema = {"type": "array", "items": parameter.schema} if parameter.repeatable else dict(parameter.schema)
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.doc,
        "required": parameter.required,
        "schema": schema,
    }


def _download(file: File, headers: Mapping[str, str]) -> Response:
    """It is whole before the first byte leaves, so half a file never looks like one."""
    file.body.seek(0, 2)
    length = file.body.tell()
    file.body.seek(0)
    named = {"content-disposition": f'attachment; filename="{file.name}"', "content-length": str(length)}
    return StreamingResponse(_pieces(file.body), media_type=file.media_type, headers={**headers, **named})


def _pieces(body: IO[bytes]) -> Iterator[bytes]:
    with body:
        while piece := body.read(_PIECE):
            yield piece
