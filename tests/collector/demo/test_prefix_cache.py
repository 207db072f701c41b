"""Cached tokens follow the providers' rules: steps, minimums, breakpoints, lifetimes."""

from __future__ import annotations

from datetime import date

import pytest

from spanledger_collector.demo.cache_rules import automatic_rule, marked_rule
from spanledger_collector.demo.prefix_cache import Block, CacheMarksInvalid, CacheUse, PrefixCache

DAY = date(2026, 11, 23)
GPT = automatic_rule("gpt-4.1", DAY)
GPT_CHARGED = automatic_rule("gpt-5.6", DAY)
SONNET = marked_rule("claude-sonnet-4-5", DAY)
TOKEN = "abcd"  # four characters: one token


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def cache(clock):
    return PrefixCache(lambda: clock[0])


def prompt(tokens, end=""):
    return TOKEN * tokens + end


@pytest.mark.parametrize(("shared", "cached"), [(1000, 0), (1024, 1024), (1151, 1024), (1152, 1152), (2000, 1920)])
def test_openai_reads_whole_steps_of_128_from_1024_on(cache, shared, cached):
    cache.automatic("me", prompt(shared, "one question" * 50), GPT)
    assert cache.automatic("me", prompt(shared, "another question" * 50), GPT).read == cached


def test_openai_caches_are_kept_apart_by_account_and_model(cache):
    cache.automatic("me\ngpt-4.1", prompt(2000), GPT)
    assert cache.automatic("me\ngpt-4.1-mini", prompt(2000), GPT).read == 0


def test_openai_forgets_after_ten_idle_minutes_and_each_use_counts(cache, clock):
    for minute in (0, 9, 18):
        clock[0] = minute * 60
        use = cache.automatic("me", prompt(1024), GPT)
    assert use.read == 1024
    clock[0] = 29 * 60
    assert cache.automatic("me", prompt(1024), GPT).read == 0


def test_openai_charges_for_writes_from_5_6_on_only(cache):
    assert cache.automatic("me", prompt(1300), GPT).write_5m == 0
    assert cache.automatic("other", prompt(1300), GPT_CHARGED).write_5m == 1280
    assert cache.automatic("other", prompt(1300), GPT_CHARGED) == CacheUse(read=1280)


def test_anthropic_writes_to_the_last_breakpoint_and_reads_the_longest_known(cache):
    first = [Block(prompt(1200), "5m"), Block(prompt(300), "5m"), Block("question")]
    longer = [*first[:2], Block(prompt(200), "5m"), Block("next")]
    assert cache.marked("me", first, SONNET) == CacheUse(write_5m=1500)
    assert cache.marked("me", longer, SONNET) == CacheUse(read=1500, write_5m=200)


def test_anthropic_splits_writes_by_lifetime(cache):
    blocks = [Block(prompt(1200), "1h"), Block(prompt(300), "5m")]
    assert cache.marked("me", blocks, SONNET) == CacheUse(write_5m=300, write_1h=1200)


def test_anthropic_entries_live_as_long_as_their_breakpoint_says(cache, clock):
    blocks = [Block(prompt(1200), "1h"), Block(prompt(300), "5m")]
    cache.marked("me", blocks, SONNET)
    clock[0] = 10 * 60
    assert cache.marked("me", blocks, SONNET) == CacheUse(read=1200, write_5m=300)


def test_anthropic_looks_back_twenty_blocks_and_no_further(cache):
    start = [Block(prompt(1200), "5m")]
    cache.marked("me", start, SONNET)
    unmarked = [Block(start[0].text), *[Block("turn")] * 19]
    assert cache.marked("me", [*unmarked, Block("end", "5m")], SONNET).read == 1200
    assert cache.marked("me", [*unmarked, Block("turn"), Block("far end", "5m")], SONNET).read == 0


def test_anthropic_refuses_a_long_lifetime_behind_a_short_one(cache):
    with pytest.raises(CacheMarksInvalid, match="must not come after"):
        cache.marked("me", [Block(prompt(1200), "5m"), Block("more", "1h")], SONNET)


@pytest.mark.parametrize(
    ("model", "minimum"),
    [("claude-sonnet-4-5", 1024), ("claude-sonnet-4-6", 2048), ("claude-opus-4-6", 4096), ("claude-haiku-4-5", 4096)],
)
def test_the_minimum_is_the_models_own(model, minimum):
    assert marked_rule(model, DAY).minimum == minimum


def test_rules_hold_from_their_date_on():
    assert automatic_rule("gpt-4o", date(2024, 9, 30)) is None
    assert not automatic_rule("gpt-5.6", date(2026, 6, 30)).writes_charged
    assert automatic_rule("text-embedding-3-small", DAY) is None
