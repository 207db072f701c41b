"""Pages that mkdocs makes while it builds: the API's reference and the changelog. Neither can be out of date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mkdocs.structure.files import File

from spanledger import __version__
from spanledger_collector.api.description import openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT: Final = Path(__file__).resolve().parents[1]
HEAD: Final = """\
# API reference

What can be read, from the collector's own OpenAPI description. A running collector serves the whole of it, what changes
things included, at `/openapi.json`; the [API page](api.md) has the actions, tokens and errors.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, text in (
        ("api-reference.md", reference()),
        ("changelog.md", (ROOT / "CHANGELOG.md").read_text("utf-8").replace("](docs/", "](")),
    ):
        files.append(File.generated(config, name, content=text))
    return files


def reference() -> str:
    described = openapi(__version__)
    return HEAD + "".join(
        part
        for path, methods in described["paths"].items()
        for verb, operation in methods.items()
        for part in _operation(verb, path, operation)
    )


def _operation(verb: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {verb.upper()} `{path}`\n\n{operation.get('summary') or operation.get('description') or ''}\n"
    if parameters := operation.get("parameters"):
        yield "\n| parameter | type | |\n|---|---|---|\n"
        yield from map(_parameter, parameters)


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    kind = " or ".join(f"`{value}`" for value in schema.get("enum", ())) or schema.get("type", "")
    told = parameter.get("description", "").replace("|", "\\|").replace("\n", " ")
    needed = " **required**" if parameter.get("required") else ""
    return f"| `{parameter['name']}` | {kind} | {told}{needed} |\n"
