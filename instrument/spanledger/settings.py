"""What the environment says: SPANLEDGER_* of our own, one OTEL_*; the others are read by OpenTelemetry itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
TRACES_PATH = "/v1/traces"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
METRICS = ("latest", "legacy")
BAGGAGE = ("in", "out")


class BadSettingError(ValueError):
    """A setting that cannot be used: the message names it, its value and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One reading of the environment. `endpoint` is None when SPANLEDGER_ENDPOINT is not set."""

    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)
    hash_key: bytes | None = field(default=None, repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    disabled: bool = False
    metrics: frozenset[str] = frozenset({"latest"})  # of METRICS: which names go to the application's meter provider
    stream_usage: bool = False  # ask for the usage of streams whose caller did not
    content: bool = False  # prompts and replies on the spans
    baggage: frozenset[str] = frozenset()  # of BAGGAGE: take tags from callers, tell them to callees


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read SPANLEDGER_*; raises BadSettingError."""
    env = os.environ if environ is None else environ
    endpoint = env.get("SPANLEDGER_ENDPOINT", "").strip()
    key = env.get("SPANLEDGER_HASH_KEY") or env.get("SPANLEDGER_TOKEN")
    return Settings(
        endpoint=checked_endpoint(endpoint, "SPANLEDGER_ENDPOINT") if endpoint else None,
        token=env.get("SPANLEDGER_TOKEN") or None,
        hash_key=key.encode() if key else None,
        tags=parse_tags(env.get("SPANLEDGER_TAGS", "")),
        disabled=_switch(env, "SPANLEDGER_DISABLED"),
        metrics=_words(env, "SPANLEDGER_METRICS", METRICS, "latest"),
        stream_usage=_switch(env, "SPANLEDGER_STREAM_USAGE"),
        content=env.get(CONTENT, "").strip().lower() in {"true", "span_only", "span_and_event"},
        baggage=_words(env, "SPANLEDGER_BAGGAGE", BAGGAGE, ""),
    )


def _switch(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").strip().lower() in {"1", "true", "yes"}


def _words(env: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> frozenset[str]:
    """Words of `known`, separated by commas; "none" is none of them."""
    given = env.get(name, "").strip().lower() or default
    words = frozenset(filter(None, (word.strip() for word in given.split(",")))) - {"none"}
    if not words <= set(known):
        raise BadSettingError(f"{name}={given!r} is not known; write it like {','.join(known)}, or none")
    return words


def checked_endpoint(value: str, name: str = "endpoint") -> str:
    """The base URL of an OTLP/HTTP listener, without its path; raises BadSettingError."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadSettingError(f"{name}={value!r} is not a URL; write it like {DEFAULT_ENDPOINT}")
    return value.rstrip("/").removesuffix(TRACES_PATH)


def parse_tags(text: str) -> dict[str, str]:
    """`feature=search,team=core` as a dict; raises BadSettingError."""
    tags: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise BadSettingError(f"SPANLEDGER_TAGS has {pair!r}; write it like feature=search,team=core")
        tags[key.strip()] = value.strip()
    return tags
