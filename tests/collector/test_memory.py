"""What is asked of the allocators."""

import os

from spanledger_collector import memory


def test_the_engines_allocator_is_asked_to_give_back_unless_it_was_told_otherwise(monkeypatch):
    monkeypatch.setenv("JE_MALLOC_CONF", "narenas:1")
    memory.engine_gives_back()
    assert os.environ["JE_MALLOC_CONF"] == "narenas:1"
    monkeypatch.delenv("JE_MALLOC_CONF")
    memory.engine_gives_back()
    assert "dirty_decay_ms" in os.environ["JE_MALLOC_CONF"]
