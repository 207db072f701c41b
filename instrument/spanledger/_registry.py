"""The integrations, and patching their SDKs when (or if ever) the application imports them."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import wrapt

from ._guard import guarded
from ._observe import observations
from ._patch import Patch, target_patch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .integrations._shape import Integration


class Supported(NamedTuple):
    """One row of the table of SDKs."""

    integration: str  # the file under integrations/
    distribution: str  # what pip installs
    package: str  # what the application imports
    first: str = ""  # module whose import brings the integration in; by default the package
    framework: bool = False  # sits on other SDKs, whose calls are the bills


SUPPORTED: Final = (
    Supported("anthropic", "anthropic", "anthropic"),
    Supported("bedrock", "botocore", "botocore", first="botocore.client"),
    Supported("claude_agent_sdk", "claude-agent-sdk", "claude_agent_sdk", framework=True),
    Supported("cohere", "cohere", "cohere"),
    Supported("google", "google-genai", "google.genai"),
    Supported("groq", "groq", "groq"),
    Supported("instructor", "instructor", "instructor", framework=True),
    Supported(
        "langchain", "langchain-core", "langchain_core", first="langchain_core.callbacks.manager", framework=True
    ),
    Supported("litellm", "litellm", "litellm", first="litellm.main", framework=True),
    Supported(
        "llama_index",
        "llama-index-core",
        "llama_index_instrumentation",
        first="llama_index_instrumentation.dispatcher",
        framework=True,
    ),
    Supported("mcp", "mcp", "mcp", framework=True),
    Supported("mistral", "mistralai", "mistralai.client"),
    Supported("ollama", "ollama", "ollama", first="ollama._client"),
    Supported("openai", "openai", "openai"),
    Supported("openai_agents", "openai-agents", "agents", framework=True),
    Supported("pydantic_ai", "pydantic-ai-slim", "pydantic_ai", framework=True),
)


class Registry:
    """All patches by module. Import hooks cannot be taken back, so they ask whether patching is on."""

    def __init__(self) -> None:
        self.on = False
        self.patches: dict[str, list[Patch]] = {}
        self._waiting = False  # hooks for the SDKs are placed

    def patch(self) -> None:
        """Patch what is imported already, and the rest when it is."""
        self.on = True
        if not self._waiting:
            self._waiting = True
            for row in SUPPORTED:
                wrapt.register_post_import_hook(partial(guarded, self._found, row), row.first or row.package)
        for module in list(self.patches):
            if module in sys.modules:
                self._imported(sys.modules[module])

    def _found(self, row: Supported, _module: Any) -> None:
        """The application uses this SDK: only now is its integration imported."""
        module = import_module(f"spanledger.integrations.{row.integration}")
        integration: Integration | None = getattr(module, "INTEGRATION", None)  # a framework may have none
        if integration is not None:
            self.add([*(target_patch(integration, t) for t in integration.targets), *observations(integration)])
        self.add(getattr(module, "PATCHES", ()))

    def add(self, more: Iterable[Patch]) -> None:
        """Apply these now, or when their modules are imported."""
        new: dict[str, list[Patch]] = {}
        for patch in more:
            new.setdefault(patch.module, []).append(patch)
        for module, patches in new.items():
            known = self.patches.setdefault(module, [])
            known += patches
            if len(known) == len(patches):
                wrapt.register_post_import_hook(partial(guarded, self._imported), module)

    def _imported(self, module: Any) -> None:
        if self.on:
            for patch in self.patches.get(module.__name__, ()):
                guarded(patch.apply, module)

    def unpatch(self) -> None:
        self.on = False
        for patches in self.patches.values():
            for patch in patches:
                guarded(patch.remove)


REGISTRY: Final = Registry()
