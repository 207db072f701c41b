"""Deterministic text, structured values and vectors: what the simulated models answer."""

from __future__ import annotations

import json
import math
import re
from hashlib import blake2b
from random import Random
from typing import Any

Json = dict[str, Any]

TEXT = (
    "the order was sent on time and your refund is on its way please keep this number for later questions "
    "we found three matching documents in the archive the second one explains how invoices are approved and "
    "who may change them a short summary follows first check the delivery address then confirm the amount "
    "nothing else is needed today thank you for waiting our team looks at it again tomorrow morning"
)
WORDS = tuple(TEXT.split())
DEEP = 5  # levels of nested schema from which on lists and options are as small as allowed
DEEPEST = 40
FORMATS = {
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "time": "09:26:53",
    "email": "ada@example.com",
    "uuid": "3f2b8c1e-5a4d-4e6f-9b7a-1c2d3e4f5a6b",
    "uri": "https://example.com/orders/1042",
}


def randomness(seed: str) -> Random:
    """The same numbers for the same text, in every process."""
    return Random(int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big"))  # noqa: S311 - no secret


def sentence(random: Random, chars: int) -> str:
    """Plain words of at least ``chars`` characters."""
    words: list[str] = []
    length = 0
    at = random.randrange(len(WORDS))
    while length < chars:
        word = WORDS[at % len(WORDS)]
        words.append(word)
        length += len(word) + 1
        at += 1 if random.random() < 0.8 else random.randrange(len(WORDS))  # noqa: PLR2004 - mostly in order
    return " ".join(words).capitalize() + "."


def sample(schema: Json, random: Random) -> Any:
    """A value that fits a JSON schema (of the subset providers accept for structured output)."""
    return _sample(schema, schema, random, 0)


def sample_json(schema: Json, random: Random) -> str:
    return json.dumps(sample(schema, random), separators=(",", ":"))


def _sample(schema: Json, root: Json, random: Random, depth: int) -> Any:
    if "$ref" in schema:
        return _sample(_resolve(str(schema["$ref"]), root), root, random, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return _sample(_option(schema[name], depth), root, random, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _of_kind(kind[0] if isinstance(kind, list) else kind, schema, root, random, depth)


def _of_kind(kind: str, schema: Json, root: Json, random: Random, depth: int) -> Any:
    if kind == "object":
        return {
            name: _sample(part, root, random, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if depth < DEEPEST
        }
    if kind == "array":
        least = int(schema.get("minItems", 0))
        size = least if depth >= DEEP else max(least, random.randint(1, 3))
        return [_sample(schema.get("items", {}), root, random, depth + 1) for _ in range(size)]
    if kind in ("integer", "number"):
        return _number(kind, schema, random)
    if kind == "boolean":
        return random.random() < 0.5  # noqa: PLR2004 - a coin
    return None if kind == "null" else _text(schema, random)


def _option(options: list[Json], depth: int) -> Json:
    """The first, but null where a recursive schema must come to an end."""
    null = next((option for option in options if option.get("type") == "null"), None)
    return null if null is not None and depth >= DEEP else options[0]


def _number(kind: str, schema: Json, random: Random) -> float:
    low = float(schema.get("minimum") or schema.get("exclusiveMinimum") or 0)
    most: float | None = schema.get("maximum", schema.get("exclusiveMaximum"))
    high = low + 100 if most is None else float(most)
    if kind == "integer":
        return random.randint(math.floor(low) + ("exclusiveMinimum" in schema), math.ceil(high))
    return round(random.uniform(low, high), 2) or high


def _text(schema: Json, random: Random) -> str:
    text = FORMATS.get(str(schema.get("format", ""))) or sentence(random, random.randint(8, 32))
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _resolve(reference: str, root: Json) -> Json:
    found: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(name, {}) if name else found
    return found if isinstance(found, dict) else {}


def vector(text: str, dimensions: int) -> list[float]:
    """A unit vector by hashing words: texts that share words lie closer together."""
    values = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = blake2b(word.encode(), digest_size=12).digest()
        for at in range(0, 12, 4):
            place = int.from_bytes(digest[at : at + 4], "big")
            values[(place >> 1) % dimensions] += 1.0 if place & 1 else -1.0
    length = math.sqrt(math.fsum(value * value for value in values)) or 1.0
    return [value / length for value in values]
