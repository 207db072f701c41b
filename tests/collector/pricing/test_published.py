"""Our reading of the published book gives what the book's own calculator gives, for any model, time and usage."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.support.calls import make_call

from spanledger_collector.model import Usage
from spanledger_collector.pricing import Book, overrides
from spanledger_collector.pricing.documents import SHIPPED

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice

BOOK = Book()
PROVIDERS = {provider.id: provider for provider in get_snapshot().providers}
PATCHED = {"input", "cache_read", "cache_write_5m", "output", "reasoning"}
PATCHES = [
    line
    for line in overrides.read(SHIPPED / "prices.toml")
    if line.free or PATCHED & (line.rates.keys() | line.unpriced)
]
# What we patched differs on purpose; what has no rate in the book has no cost in ours.
MODELS = [
    (provider.id, info)
    for provider in get_snapshot().providers
    for info in provider.models
    if info.id != "sonar-deep-research" and not any(line.applies(provider.id, info.id) for line in PATCHES)
]
COUNT = st.integers(min_value=0, max_value=400_000)
MOMENTS = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2027, 6, 1))  # noqa: DTZ001 - made UTC below


@st.composite
def usages(draw: Any) -> Usage:
    reasoning = draw(COUNT)
    return Usage(
        uncached_input=draw(COUNT),
        cache_read=draw(COUNT),
        cache_write_5m=draw(COUNT),
        output=reasoning + draw(COUNT),
        reasoning=reasoning,
    )


@given(st.sampled_from(MODELS), MOMENTS, usages())
@settings(max_examples=400, deadline=None)
def test_standard_prices_are_the_books(model: tuple[str, Any], naive: datetime, usage: Usage):
    provider, info = model
    moment = naive.replace(microsecond=0, tzinfo=timezone.utc)
    assume(PROVIDERS[provider].find_model(info.id) is info)
    cost = BOOK.price(make_call(usage, at=moment.isoformat(), provider=provider, model=info.id))
    if cost.total is None:
        assert not _plainly_priced(info.get_prices(moment), usage), cost.reason
        return
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write_5m,
            output_tokens=usage.output,
        ),
        info.id,
        provider_id=provider,
        genai_request_timestamp=moment,
    )
    assert cost.total == theirs.total_price


def _plainly_priced(price: ModelPrice, usage: Usage) -> bool:
    """Whether the line has a rate for all that was used and no kind of input or output that a span does not count."""
    uncounted = price.output_image_mtok or price.output_video_mtok or price.output_citation_mtok
    seen = {price.input_image_mtok, price.input_video_mtok} - {None, price.input_mtok}
    output = price.output_mtok is not None or usage.output == 0
    told = not (uncounted and usage.output) and not (seen and usage.input_tokens)
    return price.input_mtok is not None and output and told
