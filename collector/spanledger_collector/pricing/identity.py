"""Whose price list a call is billed by, and under which name the model stands there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanledger_collector.pricing import published
from spanledger_collector.pricing.documents import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from spanledger_collector.pricing.published import PublishedModel

_BEDROCK_MODEL = re.compile(r"^(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|openai)\.[a-z]")
_BEDROCK_REGION = re.compile(r"^(?:us-gov|us|eu|apac|au|ca|jp)\.(?=[a-z0-9]+\.)")
_BEDROCK_VERSION = re.compile(r"-v\d+(?::\d+)*(?::\d+k)?$")
_SNAPSHOT = re.compile(r"[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6}|\d{4})$")


class Providers:
    """Which provider of the price book a call's names and host stand for."""

    def __init__(self, path: Path) -> None:
        document = parse(path)
        self._hosts: Mapping[str, str] = document["hosts"]
        self._names: Mapping[str, str] = document["names"]
        self._gateways = frozenset(document["gateways"]["names"])

    def identify(self, provider: str, server_address: str, model: str) -> str:
        """The provider's id in the price book; empty when nothing names one that the book has."""
        host = self._by_host(server_address.lower().rstrip("."))
        named = self._by_name(provider.lower().strip())
        prefix, slash, _ = model.lower().partition("/")
        if not host and slash and (not named or provider.lower() in self._gateways):
            named = self._by_name(prefix)
        if not host and named == "anthropic" and _BEDROCK_MODEL.match(model.lower()):
            return "aws"  # the Anthropic SDK speaking to Bedrock
        return host or named

    def _by_host(self, host: str) -> str:
        while host:
            if host in self._hosts:
                return self._hosts[host]
            host = host.partition(".")[2]
        return ""

    def _by_name(self, name: str) -> str:
        known = self._names.get(name) or self._names.get(name.replace("-", "_").replace(" ", "_"), name)
        return known if known in published.providers() else ""


def find_model(provider: str, model: str) -> PublishedModel | None:
    """The model under the first of its spellings that the provider's list has."""
    for name in spellings(model):
        if found := published.find(provider, name):
            return found
    return None


def spellings(model: str) -> list[str]:
    """The name as given, then without what gateways, clouds and regions put around it; never another snapshot."""
    return list(dict.fromkeys(filter(None, _spellings(model.lower().strip()))))


def _spellings(name: str) -> Iterator[str]:
    yield name
    # models/x, publishers/google/models/x, projects/.../models/x, arn:...:inference-profile/x
    last = name.rpartition("/")[2]
    while "/" in name:  # azure/gpt-4.1, openrouter/anthropic/claude-...
        name = name.partition("/")[2]
        yield name
    yield last
    yield last.replace("@", "-")
    yield _BEDROCK_VERSION.sub("", last)
    local = _BEDROCK_REGION.sub("", last)
    yield local
    yield _BEDROCK_VERSION.sub("", local)


def base_of(model: str) -> str:
    """The name without its snapshot date; empty when it has none."""
    name = model.lower()
    base = _SNAPSHOT.sub("", name)
    return base if base != name else ""
