"""The integrations, and patching their SDKs when (or if ever) the application imports them."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import wrapt

from ._guard import guarded
from ._observe import observations
from ._patch import Patch, target_patch

if TYPE_CHECKING:
    from .integrations._shape import Integration

INTEGRATIONS: Final = ("spanledger.integrations.anthropic", "spanledger.integrations.openai")


class Registry:
    """All patches by module. Import hooks cannot be taken back, so they ask whether patching is on."""

    def __init__(self) -> None:
        self.on = False
        self.patches: dict[str, list[Patch]] = {}

    def load(self) -> None:
        for name in INTEGRATIONS:
            integration: Integration = import_module(name).INTEGRATION
            rows = [target_patch(integration, target) for target in integration.targets]
            for patch in rows + observations(integration):
                self.patches.setdefault(patch.module, []).append(patch)

    def patch(self) -> None:
        """Patch what is imported already, and the rest when it is."""
        first = not self.patches
        if first:
            self.load()
        self.on = True
        for module in self.patches:
            if first:
                wrapt.register_post_import_hook(partial(guarded, self._imported), module)
            elif module in sys.modules:
                self._imported(sys.modules[module])

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
