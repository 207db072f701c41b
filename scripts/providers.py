"""Write docs/providers.md from the library's registry and the locked versions.

.venv/bin/python scripts/providers.py
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanledger._registry import SUPPORTED, Supported
from spanledger.integrations import _compatible

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "providers.md"
_LOCKS: Final = ("oldest-sdks.txt", "frameworks.txt", "dev.txt")
_FREE: Final = ("moderation", "create_batch")
_HEAD: Final = """\
# SDKs and frameworks

Made by `scripts/providers.py` from the registry (`spanledger/_registry.py`) and the locked versions; do not edit.
`spanledger doctor` tells the same of the environment it runs in.

Every method below leaves one span per call, sync and async, plain and streamed, called directly or through
`with_raw_response` and `with_streaming_response` where the SDK has these: model, tokens by kind, finish reason, time to
the first piece, every attempt and its wait, rate limits, configured timeout and retries, outcome, and fingerprints of
the prompt. Prompts and replies stay in the process. What nobody pays for (counting tokens, moderations, handing in a
batch, starting a response in the background) is no bill; their [results](instrument.md#batches-and-background-work)
are.

| SDK | versions tested | what is recorded |
|---|---|---|
"""
_METHODS: Final = """
## Methods

An async twin is not listed beside its sync one. *Optional*: not in every version supported. *Results*: no call, but
what it hands out is billed where it tells of work that none waited for, a batch or a response in the background.

"""
_HOSTS: Final = """
## Servers that speak OpenAI's language

The `openai` SDK may speak to anybody. The provider is told from the address of `base_url`; a client that says itself
whose it is (`AzureOpenAI`, `BedrockOpenAI`) is believed. Behind an address of nobody known, a gateway's or this
machine's, the provider is named after the SDK, `openai`, and the span says `spanledger.provider.assumed`.

| address | `gen_ai.provider.name` |
|---|---|
"""


def page() -> str:
    rows = "".join(_row(row) for row in SUPPORTED)
    methods = "".join(_methods(row) for row in SUPPORTED if not row.framework)
    hosts = "".join(f"| `{host}` | `{name}` |\n" for host, name in _compatible.HOSTS.items())
    local = f"| this machine, port {_compatible.OLLAMA_PORT} | `ollama` |\n"
    return _HEAD + rows + _METHODS + methods + _HOSTS + hosts + local


def _row(row: Supported) -> str:
    documented = (_module(row).__doc__ or "").strip().partition("\n")[0]
    what = documented.partition(": ")[2] or documented
    kind = f"[framework](frameworks.md): {what}" if row.framework else what[:1].upper() + what[1:]
    return f"| `{row.distribution}` | {', '.join(_tested(row.distribution))} | {kind} |\n"


def _module(row: Supported) -> Any:
    return import_module(f"spanledger.integrations.{row.integration}")


def _tested(distribution: str) -> list[str]:
    """The versions in the locks, oldest first."""
    found = [
        match[1]
        for lock in _LOCKS
        for match in re.finditer(
            rf"^{re.escape(distribution)}==(\S+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE
        )
    ]
    return sorted(dict.fromkeys(found), key=lambda version: [int(part) for part in re.findall(r"\d+", version)])


def _methods(row: Supported) -> str:
    lines = [f"- **{row.distribution}**: ", ""]
    lines[0] += ", ".join(_names(row))
    return "\n".join(lines)


def _names(row: Supported) -> Iterator[str]:
    integration = _module(row).INTEGRATION
    seen = set()
    managers = getattr(_module(row), "MANAGERS", ())
    for target in (*integration.targets, *managers):
        name = _plain(target.path)
        module = target.module.removeprefix(f"{row.package}.").removeprefix("resources.")
        if target.kind != "enters" and (module, name) not in seen:
            seen.add((module, name))
            operation = "results" if target.kind == "results" else integration.operations[target.api]
            marks = [operation] + ["optional"] * (not target.required) + ["no bill"] * (operation in _FREE)
            yield f"`{module}:{name}` ({', '.join(marks)})"


def _plain(path: str) -> str:
    """Without what tells the async twin: of the class, or of the method."""
    cls, _, method = path.rpartition(".")
    return f"{cls.removeprefix('Async')}.{method.removesuffix('_async')}".lstrip(".")


if __name__ == "__main__":
    PAGE.write_text(page())
