import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanledger_collector.review.bridge import BARS, build
from spanledger_collector.review.bridge.closing import closed, difference, total
from spanledger_collector.review.bridge.shapley import averaged

COSTS = ("cost_input", "cost_cache_read", "cost_cache_write", "cost_output", "cost_other")
PRICES = dict(
    zip(COSTS, (Decimal("2e-6"), Decimal("5e-7"), Decimal("2.5e-6"), Decimal("8e-6"), Decimal(0)), strict=True)
)


def row(calls=100, *, uncached=100_000, read=0, written=0, visible=20_000, reasoning=0, prices=PRICES, **fields):
    """Of priced calls; tokens are of all calls together."""
    bought = dict(zip(COSTS, (uncached, read, written, visible + reasoning, 0), strict=True))
    costs = {name: bought[name] * prices[name] for name in COSTS}
    return {
        "service": "s", "provider": "p", "model": "m", "feature": "f", "team": "t", "outcome": "ok",
        "cost_grade": "measured", "calls": calls, "priced_calls": calls, "attempts": calls, "without_usage": 0,
        "input_tokens": uncached + read + written, "cache_read_tokens": read, "cache_write_tokens": written,
        "output_tokens": visible + reasoning, "reasoning_tokens": reasoning, "cost": sum(costs.values()),
    } | costs | fields  # fmt: skip


def changed(before, after) -> dict[str, Decimal]:
    """The bars that are not zero."""
    return {name: usd for name, usd in build([before], [after]).bars.items() if usd}


def test_more_of_the_same_is_volume():
    assert changed(row(), row(calls=150, uncached=150_000, visible=30_000)) == {"volume": Decimal("0.18")}


def test_more_paid_calls_per_success_are_waste():
    failed = row(calls=50, uncached=50_000, visible=10_000, outcome="error")
    assert {k: v for k, v in build([row()], [row(), failed]).bars.items() if v} == {"waste": Decimal("0.18")}


def test_tokens_that_move_out_of_the_cache_are_cache():
    assert changed(row(uncached=20_000, read=80_000), row()) == {"cache": Decimal("0.12")}


def test_larger_calls_are_size():
    assert changed(row(), row(uncached=150_000)) == {"size": Decimal("0.1")}


def test_more_reasoning_is_not_size():
    assert changed(row(), row(reasoning=10_000)) == {"reasoning": Decimal("0.08")}


def test_a_dearer_token_is_price():
    assert changed(row(), row(prices=PRICES | {"cost_output": Decimal("9e-6")})) == {"price": Decimal("0.02")}


def test_calls_that_move_to_a_dearer_model_are_mix():
    cheap, dear = {"model": "cheap"}, {"model": "dear", "prices": {name: 10 * usd for name, usd in PRICES.items()}}
    half = {"calls": 50, "uncached": 50_000, "visible": 10_000}
    before = [row(**cheap), row(**dear)]
    more, less = {"calls": 150, "uncached": 150_000, "visible": 30_000}, half
    bridge = build(before, [row(**less, **cheap), row(**more, **dear)])
    assert {name for name, usd in bridge.bars.items() if usd} == {"mix"}


def test_what_only_one_period_has_is_new_or_gone():
    bridge = build([row(feature="old"), row()], [row(feature="fresh"), row()])
    assert {name: usd for name, usd in bridge.bars.items() if usd} == {"new": Decimal("0.36"), "gone": -Decimal("0.36")}


def test_a_correction_of_the_earlier_period_is_restated_and_counted_in_no_other_bar():
    bridge = build([row()], [row()], Decimal("0.06"))
    assert (bridge.before, bridge.after) == (Decimal("0.30"), Decimal("0.36"))
    assert {name: usd for name, usd in bridge.bars.items() if usd} == {"restated": Decimal("0.06")}


def test_money_the_provider_did_not_split_still_moves_with_size():
    before = row(**dict.fromkeys(COSTS, Decimal(0)), cost=Decimal("1.2"))
    after = row(visible=80_000, **dict.fromkeys(COSTS, Decimal(0)), cost=Decimal("1.8"))
    assert changed(before, after) == {"size": Decimal("0.6")}


count = st.integers(0, 10**9)
usd = st.integers(0, 10**27).map(lambda steps: Decimal(f"{steps}e-18"))
exactly = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def segment_rows(draw):
    """Rows as the ledger could hold them: money need not fit the tokens."""
    rows = []
    for model in draw(st.lists(st.sampled_from("abc"), max_size=3, unique=True)):
        for outcome in draw(st.lists(st.sampled_from(["ok", "error"]), min_size=1, unique=True)):
            costs = {name: draw(usd) for name in COSTS}
            calls = draw(st.integers(1, 10**9))
            tokens = {"uncached": draw(count), "read": draw(count), "written": draw(count)}
            out = {"visible": draw(count), "reasoning": draw(count)}
            extra = draw(usd)
            whole = total((*costs.values(), extra))
            rows.append(row(calls, **tokens, **out, model=model, outcome=outcome, **costs | {"cost": whole}))
    return rows


@given(segment_rows(), segment_rows())
@exactly
def test_the_bars_sum_to_the_difference_to_the_last_digit(before, after):
    bridge = build(before, after)
    assert total(bridge.bars.values()) == difference(total(r["cost"] for r in after), total(r["cost"] for r in before))
    assert bridge.after == difference(bridge.before, total(bridge.bars.values()).copy_negate())


@given(segment_rows(), segment_rows())
@exactly
def test_groups_sum_to_the_whole_bar_by_bar(before, after):
    bridge = build(before, after)
    groups = bridge.by(lambda segment: segment.model)
    assert {name: total(bars[name] for bars in groups.values()) for name in BARS} == bridge.bars


@given(segment_rows(), segment_rows())
@exactly
def test_there_and_back_is_the_same_with_the_sign_turned_but_for_the_last_digit(before, after):
    there, back = build(before, after), build(after, before)
    for name in set(BARS) - {"new", "gone"}:
        assert abs(total((there.bars[name], back.bars[name]))) <= 8 * Decimal("1e-18")


@given(st.lists(st.integers(-(10**6), 10**6), min_size=16, max_size=16))
def test_the_average_is_over_every_order(values):
    orders = [*itertools.permutations(range(4))]
    for place, (sum_, scale) in enumerate(averaged(values)):
        before = [sum(1 << earlier for earlier in order[: order.index(place)]) for order in orders]
        mean = Fraction(sum(values[mask | 1 << place] - values[mask] for mask in before), len(orders))
        assert Fraction(sum_, scale) == mean


def test_thirds_are_closed_to_the_whole():
    parts = closed({name: Fraction(1, 3) for name in "abc"}, Decimal(1))
    assert total(parts.values()) == 1
    assert sorted(parts.values()) == [Decimal("0.333333333333333333")] * 2 + [Decimal("0.333333333333333334")]


def test_parts_that_are_not_the_whole_are_refused():
    with pytest.raises(ValueError, match="do not sum to 2"):
        closed({"a": Fraction(1)}, Decimal(2))


def unpriced(calls: int, **fields):
    nothing = dict.fromkeys((*COSTS, "cost"), Decimal(0))
    return row(calls, priced_calls=0, cost_grade="unknown", **nothing | fields)


def test_poor_coverage_suppresses_the_bars_with_a_reason():
    assert "only 90.9% of the answered calls" in build([row()], [row(), unpriced(10)]).suppressed


def test_coverage_that_moves_suppresses_the_bars_too():
    before, after = [row(calls=1000)], [row(calls=1000), unpriced(40)]
    assert "differs by 3.8 points" in build(before, after).suppressed


def test_calls_that_were_refused_are_no_bill_and_no_gap():
    refused = unpriced(50, outcome="error", without_usage=50, input_tokens=0)
    assert build([row()], [row(), refused]).suppressed == ""


def test_without_calls_nothing_is_explained():
    assert "no calls" in build([], [row()]).suppressed
