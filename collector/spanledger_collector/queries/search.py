"""What somebody types to find calls: words and ``key=value`` terms, all of which must hold.

Keys and values are bound as one array of texts, two for each term, the key of a word being empty: none becomes SQL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from spanledger import semconv

from .parameter import Parameter
from .query import between

if TYPE_CHECKING:
    from .query import Asked

_MOST: Final = 10
_LONGEST: Final = 200
_TERM: Final = re.compile(
    r"""(?:(?P<key>[^\s"=]+)=)?"(?P<quoted>(?:[^"\\]|\\.)*)"(?!\S) | (?P<plain>\S+)""", re.VERBOSE | re.DOTALL
)
# Below the half minute of a reader and of who asks it, so that it is the search that is refused, with a remedy.
BOUND: Final = " SETTINGS max_execution_time = 20"
_ID_DIGITS: Final = 8  # as many as tables show; fewer are found in too many ids
_TEXTS: Final = (
    *("service", "service_version", "environment", "provider", "server_address", "operation", "request_model", "model"),
    *("response_id", "outcome", "error_type", "finish_reason", "service_tier", "region", "usage_grade", "cost_grade"),
    *("cost_reason", "dialect", "conversation", "prompt_name", "prompt_version", "feature", "team", "user"),
    *("code_file", "code_function"),
)


class _Key(NamedTuple):
    """How a value is compared, what it must look like, and what to say of one that does not."""

    sql: str
    pattern: str = r".*"
    remedy: str = ""


_WHOLE: Final = ("[1-9][0-9]{0,4}", "use a whole number from 1 to 99999")
_EITHER: Final = ("true|false", "use true or false")
_CALLED_FROM: Final = (
    "(endsWith(concat('/', c.code_file), concat('/', {value}))"
    " OR endsWith(concat('/', c.code_file, ':', toString(c.code_line)), concat('/', {value})))"
)
_AS_TAG: Final = f"concat('{semconv.TAG_PREFIX}', {{key}})"
_TAG: Final = _Key("c.tags[substring({key}, " + str(len(semconv.TAG_PREFIX) + 1) + ")] = {value}")
_HAS_KEY: Final = f"mapContains(s.attributes, {{key}}) OR mapContains(s.attributes, {_AS_TAG})"
_PROCESS: Final = f"s.resource[{{key}}] = {{value}} OR s.resource[{_AS_TAG}] = {{value}}"
_HELD: Final = f"(s.attributes[{{key}}] = {{value}} OR s.attributes[{_AS_TAG}] = {{value}} OR {_PROCESS})"
# Never computed: it only tells the indexes of values which granules need not be read.
_MAY_HOLD: Final = "indexHint(has(mapValues(s.attributes), {value}) OR has(mapValues(s.resource), {value}))"
_KEYS: Final[dict[str, _Key]] = {
    **{column: _Key(f"c.{column} = {{value}}") for column in _TEXTS},
    "customer": _Key("c.tags['customer'] = {value}"),
    "call_site": _Key(_CALLED_FROM),
    "http_status": _Key("toString(c.http_status) = {value}", *_WHOLE),
    "attempts": _Key("toString(c.attempts) = {value}", *_WHOLE),
    "stream": _Key("toString(c.stream) = {value}", *_EITHER),
    "retried": _Key("(c.attempts > 1) = ({value} = 'true')", *_EITHER),
    **{
        name: _Key(
            f"c.{name} = unhex({{value}})",
            rf"[0-9a-fA-F]{{{digits}}}",
            f"use its {digits} hexadecimal digits, or its first {_ID_DIGITS} or more without {name}=",
        )
        for name, digits in (("trace_id", 32), ("span_id", 16), ("parent_span_id", 16))
    },
}
_NAMES: Final = {
    **{semconv.TAG_PREFIX + tag: tag for tag in ("feature", "team", "user")},
    semconv.SERVICE_NAME: "service",
    semconv.SERVICE_VERSION: "service_version",
    semconv.ENVIRONMENT: "environment",
    semconv.SERVER_ADDRESS: "server_address",
    semconv.REQUEST_MODEL: "request_model",
    semconv.RESPONSE_ID: "response_id",
    semconv.ERROR_TYPE: "error_type",
    semconv.HTTP_STATUS: "http_status",
    semconv.CONVERSATION_ID: "conversation",
    semconv.PROMPT_NAME: "prompt_name",
    semconv.PROMPT_VERSION: "prompt_version",
    semconv.CODE_FILE: "code_file",
    semconv.CODE_FUNCTION: "code_function",
}


def read(text: str) -> tuple[str, ...]:
    """Key and value of each term, one after the other. ValueError names the term and the remedy."""
    terms = [_term(found) for found in _TERM.finditer(text)]
    if len(terms) > _MOST:
        raise ValueError(f"it has {len(terms)} terms; use at most {_MOST}")
    return tuple(part for term in terms for part in term)


def _term(found: re.Match[str]) -> tuple[str, str]:
    if found["plain"] is None:
        key, value = found["key"] or "", re.sub(r'\\(["\\])', r"\1", found["quoted"])
    else:
        key, value = _plain(found["plain"])
    if len(found[0]) > _LONGEST:
        raise ValueError(f"the term {found[0][:20]!r}... has {len(found[0])} characters; use at most {_LONGEST}")
    known = _known(key)
    if key and not known and not value:
        raise ValueError(f"the term {found[0]!r} names no column of a call: give the value of the attribute too")
    if known and not re.fullmatch(known.pattern, value, re.DOTALL):
        raise ValueError(f"the term {found[0]!r} has a value that {key} never has: {known.remedy}")
    return key, value


def _plain(term: str) -> tuple[str, str]:
    """Key and value of a term without quotes."""
    key, equals, value = term.partition("=")
    if term.startswith('"') or value.startswith('"'):
        raise ValueError(f'the quote of {term[:_LONGEST]!r} does not end: close it, and write \\" for one inside')
    if equals and not (key and value):
        raise ValueError(f'the term {term[:_LONGEST]!r} is no key=value: write key="" for none, or quote what is text')
    return (key, value) if equals else ("", term)


Q: Final = Parameter(
    "q",
    "Words found in any column of a call, whatever their case, and key=value terms, exact: keys are columns of a call, "
    f"its tags or its span's attributes. All must hold, at most {_MOST}; quote what has spaces.",
    read,
    default=(),
)


def where(asked: Asked) -> str:
    """PREWHERE and WHERE for the calls asked for, on table ``calls`` as ``c``; of spans only as many as are needed."""
    own = [asked.calls("c.")]
    others: list[tuple[str, str]] = []
    for place, (key, value) in enumerate(zip(asked["q"][::2], asked["q"][1::2], strict=True)):
        name, text = (f"{{q:Array(String)}}[{2 * place + side}]" for side in (1, 2))
        if not key:
            own.append(_word(value, text))
        elif known := _known(key):
            own.append(known.sql.format(value=text, key=name))
        else:
            others.append((name, text))
    calls = f"PREWHERE {' AND '.join(own)}"
    return f"{calls} WHERE {_of_spans(others, calls)}" if others else calls


def _known(key: str) -> _Key | None:
    known = _KEYS.get(_NAMES.get(key, key))
    return _TAG if known is None and key.startswith(semconv.TAG_PREFIX) else known


def _of_spans(terms: list[tuple[str, str]], calls: str) -> str:
    """Spans are read newest first until there are enough; values only of calls that fit all else and have the keys.

    What a process says of itself is compared before that: it is read in a tenth of the time.
    """
    first = f"{_MAY_HOLD} AND ({_HAS_KEY} OR {_PROCESS})"
    keys = " AND ".join(first.format(key=key, value=value) for key, value in terms)
    held = " AND ".join(_HELD.format(key=key, value=value) for key, value in terms)
    ids = f"SELECT reinterpretAsUInt64(c.span_id) FROM calls AS c {calls}"
    return (
        "reinterpretAsUInt64(c.span_id) IN (SELECT reinterpretAsUInt64(s.span_id) FROM spans AS s"
        f" PREWHERE {between('from', 'to', 's.')} AND reinterpretAsUInt64(s.span_id) IN ({ids})"
        f" AND {keys} WHERE {held} ORDER BY toStartOfHour(s.start) DESC, s.start DESC, s.span_id"
        " LIMIT 1 BY s.span_id LIMIT {limit:UInt32})"
    )


def _word(word: str, text: str) -> str:
    """In any column, whatever its case. Ids are found by how they begin, a status as a whole."""
    position = "positionCaseInsensitive" if word.isascii() else "positionCaseInsensitiveUTF8"
    found = [f"{position}(c.{column}, {text}) > 0" for column in _TEXTS]
    found.append(f"arrayExists(v -> {position}(v, {text}) > 0, mapValues(c.tags))")
    if ":" in word:
        found.append(f"{position}(concat(c.code_file, ':', toString(c.code_line)), {text}) > 0")
    if re.fullmatch(_KEYS["http_status"].pattern, word):
        found.append(_KEYS["http_status"].sql.format(value=text))
    if re.fullmatch(rf"[0-9a-fA-F]{{{_ID_DIGITS},32}}", word):
        found += [f"startsWith(lower(hex(c.{column})), lower({text}))" for column in ("trace_id", "span_id")]
    return f"({' OR '.join(found)})"
