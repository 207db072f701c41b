"""What changes something: one JSON object in, one out. Each is a line in the list that ``create_app`` is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from starlette.responses import Response
from starlette.routing import Route

from .table import plain as money

if TYPE_CHECKING:
    from starlette.requests import Request

    from .workers import Workers

Json = dict[str, Any]
Run = Callable[[Mapping[str, str], Json], Mapping[str, Any]]  # path parameters, body
MOST_BYTES: Final = 1_000_000


class BadBody(ValueError):
    """The body of a request cannot be used; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Action:
    """``run`` raises ValueError for what cannot be used and LookupError for what is not there: 400 and 404.

    ``body`` is the JSON Schema of what is taken, ``path`` is below /api/v1.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    doc: str
    run: Run
    body: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})

    @property
    def name(self) -> str:
        words = self.path.replace("{", "").replace("}", "").strip("/").replace("/", "_")
        return f"{self.method.lower()}_{words}"

    def route(self, workers: Workers, headers: Mapping[str, str]) -> Route:
        async def act(request: Request) -> Response:
            body = _object(await request.body())
            answer = await workers.run(lambda: self.run(request.path_params, body))
            return Response(json.dumps(answer, default=plain), media_type="application/json", headers=dict(headers))

        return Route(f"/api/v1{self.path}", act, methods=[self.method])

    def described(self) -> Json:
        """The operation in the OpenAPI document."""
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        answers = {
            "200": "Done.",
            "400": "The body cannot be used.",
            "401": "The token is missing or may not change anything.",
        }
        taken = {"requestBody": {"content": {"application/json": {"schema": dict(self.body)}}}}
        return {
            **(taken if self.method != "GET" else {}),
            "operationId": self.name,
            "summary": self.doc,
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
            ],
            "responses": {code: {"description": said} for code, said in {**answers, "404": "Not there."}.items()},
        }


def _object(raw: bytes) -> Json:
    if len(raw) > MOST_BYTES:
        raise BadBody(f"the body has {len(raw):,} bytes: send at most {MOST_BYTES:,}")
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise BadBody(f"the body is no JSON ({error}): send one object") from error
    if not isinstance(body, dict):
        raise BadBody(f"the body is a JSON {type(body).__name__}: send one object")
    return body


def plain(value: object) -> str:
    """Money and times as the queries write them."""
    if isinstance(value, Decimal):
        return money(value) if value else "0"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def text(body: Json, name: str, *, required: bool = True) -> str:
    """A text of the body. Raises BadBody."""
    value = body.get(name, "")
    if not isinstance(value, str) or (required and not value.strip()):
        raise BadBody(f"{name!r} is {json.dumps(value, default=str)[:100]}: send a text")
    return value
