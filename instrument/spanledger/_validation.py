"""Structured output that did not fit its schema: which fields and why, never what the model wrote."""

from __future__ import annotations

from typing import Any, Final

from . import semconv

_MOST: Final = 20  # failing fields told per call


def judged(schema: type, *, fits: bool) -> dict[str, Any]:
    return {
        semconv.VALIDATION_OUTCOME: "ok" if fits else "failed",
        semconv.VALIDATION_SCHEMA: getattr(schema, "__name__", str(schema)),
    }


def failed(error: BaseException, schema: Any, described_by: Any = None) -> dict[str, Any]:
    """Attributes of a validation error (pydantic's, told by its shape); empty for any other error."""
    errors = getattr(error, "errors", None)
    if not callable(errors) or not hasattr(error, "error_count"):
        return {}
    problems = errors()[:_MOST]
    names = _field_names(described_by or schema)
    return {
        semconv.VALIDATION_OUTCOME: "failed",
        semconv.VALIDATION_SCHEMA: "" if schema is None else getattr(schema, "__name__", str(schema)),
        semconv.VALIDATION_FIELDS: [_path(problem["loc"], names) for problem in problems],
        semconv.VALIDATION_ERRORS: [problem["type"] for problem in problems],
    }


def _path(location: tuple[str | int, ...], names: set[str]) -> str:
    """A key that the schema does not name (of a mapping, or an extra field) was written by the model: told as *."""
    return ".".join(str(part) if isinstance(part, int) or part in names else "*" for part in location)


def _field_names(schema: Any) -> set[str]:
    describe = getattr(schema, "model_json_schema", None) or getattr(schema, "json_schema", None)
    names: set[str] = set()
    if describe is not None:
        _collect(describe(), names)
    return names


def _collect(node: Any, names: set[str]) -> None:
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            names.update(properties)
        for child in node.values():
            _collect(child, names)
    elif isinstance(node, list):
        for child in node:
            _collect(child, names)
