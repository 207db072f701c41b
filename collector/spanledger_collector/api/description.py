"""What the API says about itself: the list of queries and the OpenAPI document, both read off the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanledger_collector.queries import QUERIES

from .table import ARROW, JSON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spanledger_collector.queries import Parameter, Query

    from .actions import Action
    from .reading import Reading

Json = dict[str, Any]

_FORMAT: Final[Json] = {
    "name": "format",
    "in": "query",
    "description": "json or arrow; without it the Accept header decides.",
    "schema": {"type": "string", "enum": ["json", "arrow"]},
}
_ERROR: Final[Json] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}
_SCHEMES: Final[Json] = {
    "token": {"type": "http", "scheme": "bearer", "description": "SPANLEDGER_TOKEN, where the collector has one."}
}


def queries() -> Json:
    """Every query with its parameters and columns."""
    return {"queries": [_listed(name, query) for name, query in QUERIES.items()]}


def openapi(version: str, actions: Sequence[Action | Reading] = ()) -> Json:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Spanledger",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {}],
        "components": {"securitySchemes": _SCHEMES, "schemas": {"Error": _ERROR}},
        "paths": {
            **{f"/api/v1/query/{name}": {"get": _operation(name, query)} for name, query in QUERIES.items()},
            "/api/v1/queries": {"get": _plain("queries", "The named queries, their parameters and columns.")},
            "/api/v1/status": {"get": _plain("status", "What the collector says about itself.")},
            "/api/v1/rights": {"get": _plain("rights", "What the shown token opens, and whether one is needed.")},
            "/healthz": {"get": _plain("healthz", "Whether the process answers; needs no token.")},
            "/readyz": {"get": _plain("readyz", "Whether spans are accepted and the store answers.")},
            "/metrics": {"get": _plain("metrics", "The collector's own counters, Prometheus text.")},
            **_changing(actions),
        },
    }


def _changing(actions: Sequence[Action | Reading]) -> Json:
    paths: Json = {}
    for action in actions:
        paths.setdefault(f"/api/v1{action.path}", {})[action.method.lower()] = action.described()
    return paths


def _listed(name: str, query: Query) -> Json:
    return {
        "name": name,
        "doc": query.doc,
        "parameters": [
            {
                "name": parameter.name,
                "doc": parameter.doc,
                "required": parameter.required,
                "repeatable": parameter.repeatable,
                "schema": parameter.schema,
            }
            for parameter in query.parameters
        ],
        "columns": [{"name": column.name, "type": str(column.type)} for column in query.columns],
    }


def _operation(name: str, query: Query) -> Json:
    refusals = {
        "400": "A parameter cannot be used.",
        "401": "The token is missing or wrong.",
        "422": "The answer would take too much time, memory or too many rows.",
        "503": "Too many queries are waiting.",
    }
    return {
        "operationId": name,
        "summary": query.doc,
        "parameters": [*map(_parameter, query.parameters), _FORMAT],
        "responses": {"200": _answer(query), **{code: _refusal(text) for code, text in refusals.items()}},
    }


def _parameter(parameter: Parameter) -> Json:
    schema: Mapping[str, Any] = parameter.schema
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.doc,
        "required": parameter.required,
        "schema": {"type": "array", "items": schema} if parameter.repeatable else schema,
    }


def _answer(query: Query) -> Json:
    cells = [{"title": column.name, **_cell(column.type)} for column in query.columns]
    table = {
        "type": "object",
        "required": ["columns", "rows"],
        "properties": {
            "columns": {"type": "array", "items": {"enum": [column.name for column in query.columns]}},
            "rows": {"type": "array", "items": {"type": "array", "prefixItems": cells}},
        },
    }
    binary = {"schema": {"type": "string", "contentMediaType": ARROW}}
    return {"description": "Rows of these columns, in this order.", "content": {JSON: {"schema": table}, ARROW: binary}}


def _cell(kind: pa.DataType) -> Json:
    if pa.types.is_timestamp(kind):
        return {"type": ["string", "null"], "format": "date-time"}
    if pa.types.is_decimal(kind):
        return {"type": ["string", "null"], "description": "An exact decimal; null is unknown."}
    if pa.types.is_map(kind):
        return {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
    if pa.types.is_list(kind):
        return {"type": ["array", "null"]}
    if pa.types.is_boolean(kind):
        return {"type": ["boolean", "null"]}
    number = "integer" if pa.types.is_integer(kind) else "number" if pa.types.is_floating(kind) else "string"
    return {"type": [number, "null"]}


def _refusal(text: str) -> Json:
    return {"description": text, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _plain(name: str, text: str) -> Json:
    return {"operationId": name, "summary": text, "responses": {"200": {"description": text}}}
