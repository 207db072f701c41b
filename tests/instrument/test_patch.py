"""Patching is exact, checked, and undone."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from openai.resources.chat.completions.completions import AsyncCompletions, Completions
from tests.instrument.test_calls import CHAT
from tests.support.spans import Spans

import spanledger
from spanledger._patch import Patch
from spanledger._registry import REGISTRY

if TYPE_CHECKING:
    import pytest
    from tests.support.provider import Clients


def attributes() -> dict[str, Any]:
    """Every attribute that the table names, of the modules that are loaded; what is patched elsewhere has own tests."""
    found = {}
    for module, patches in REGISTRY.patches.items():
        for patch in (each for each in patches if type(each).__name__ != "_InClosure"):
            owner: Any = sys.modules.get(module)
            *classes, name = patch.path.split(".")
            for cls in classes:
                owner = getattr(owner, cls, None)
            if owner is not None:
                found[f"{module}:{patch.path}"] = vars(owner).get(name)
    return found


def test_uninstrument_restores_the_very_originals() -> None:
    spanledger.instrument()
    spanledger.uninstrument()
    before = attributes()
    spanledger.instrument(tracer_provider=Spans().provider)
    during = attributes()
    assert all(during[name] is not original for name, original in before.items() if original is not None)
    spanledger.uninstrument()
    assert before
    assert all(found is before[name] for name, found in attributes().items() if name in before)


def test_every_row_fits_the_sdks_installed(spans: Spans) -> None:
    import openai.resources.embeddings
    import openai.resources.responses.responses  # noqa: F401

    loaded = [patch for module, patches in REGISTRY.patches.items() if module in sys.modules for patch in patches]
    unfit = {f"{patch.module}:{patch.path}": patch.found for patch in loaded if patch.required and not patch.active}
    assert len(loaded) > 20
    assert unfit == {}


def test_instrumenting_twice_records_once(clients: Clients, spans: Spans) -> None:
    spanledger.instrument(tracer_provider=spans.provider)
    clients.openai.chat.completions.create(**CHAT)
    assert len(spans.all) == 1


def test_a_later_wrapper_of_someone_elses_survives(
    clients: Clients, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, seen = Completions.__dict__["create"], []

    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs)
        return ours.__get__(self, type(self))(*args, **kwargs)

    monkeypatch.setattr(Completions, "create", theirs)
    spanledger.uninstrument()
    assert Completions.__dict__["create"] is theirs
    clients.openai.chat.completions.create(**CHAT)
    assert seen
    assert not spans.all
    monkeypatch.undo()
    Completions.create = ours.__wrapped__  # type: ignore[method-assign]


def unfit(path: str, *, asynchronous: bool | None, module: Any) -> Patch:
    patch = Patch("made_up", path, asynchronous, around=lambda wrapped, _i, args, kwargs: wrapped(*args, **kwargs))
    patch.apply(module)
    return patch


def test_a_target_that_does_not_fit_is_left_alone_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    module: Any = ModuleType("made_up")
    module.Sync = type("Sync", (), {"create": AsyncCompletions.create, "data": 3})
    patch = unfit("Sync.create", asynchronous=False, module=module)
    unfit("Sync.create", asynchronous=False, module=module)
    assert (patch.active, patch.found) == (False, "is async")
    assert caplog.text.count("made_up:Sync.create is async") == 1
    assert unfit("Sync.data", asynchronous=False, module=module).found == "is a int, not a function"
    assert unfit("Sync.gone", asynchronous=False, module=module).found == "is not in this version"
    assert unfit("Gone.create", asynchronous=False, module=SimpleNamespace()).found == "is not in this version"
