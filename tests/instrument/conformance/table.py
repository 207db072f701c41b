"""The SDKs of the matrix. One more is a file with its rows and a name here."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.instrument.conformance.sdk import Sdk

# What is imported -> the file with its rows.
FILES: Final = {
    "openai": "sdk_openai",
    "anthropic": "sdk_anthropic",
    "google.genai": "sdk_google",
    "mistralai": "sdk_mistral",
    "cohere": "sdk_cohere",
    "groq": "sdk_groq",
    "ollama": "sdk_ollama",
    "boto3": "sdk_bedrock",
}


def _rows() -> tuple[Sdk, ...]:
    here = __name__.rpartition(".")[0]
    return tuple(
        sdk for package, file in FILES.items() if _installed(package) for sdk in import_module(f"{here}.{file}").SDKS
    )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # of the package it would lie in
        return False


ROWS: Final = _rows()
