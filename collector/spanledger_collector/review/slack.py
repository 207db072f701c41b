"""The review as a message: a headline, the bars, the landing, three findings, in Slack's mrkdwn, escaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spanledger_collector.review import story
from spanledger_collector.review.figures import money, signed
from spanledger_collector.review.outlook import landing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.review.pack import Pack

_FINDINGS = 3


def message(pack: Pack) -> str:
    """The JSON an incoming webhook takes: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    return json.dumps({"text": "\n".join(_lines(pack))}, ensure_ascii=False)


def _lines(pack: Pack) -> Iterator[str]:
    made_up = " (made-up traffic)" if pack.is_demo else ""
    yield f"*LLM spend review, {pack.period}*{made_up}"
    yield _escaped(story.headline(pack))
    if pack.is_empty:
        return
    if not pack.bridge.suppressed:
        yield _escaped("; ".join(f"{title} {signed(usd)}" for title, usd in story.bars(pack)))
    yield _escaped(landing(pack))
    for budget in pack.budgets:
        yield f"Budget of {_escaped(str(budget.scope))}: {budget.used:.0%} of {money(budget.budget)} used"
    for row in [row for row in pack.findings if row["money_usd"] is not None][:_FINDINGS]:
        yield f"\u2022 {_escaped(row['title'])}: {money(row['money_usd'])} {row['money_grade']}"
    if restated := story.restated(pack):
        yield _escaped(restated)
    yield f"_{_escaped(story.trust(pack))}_"


def _escaped(text: str) -> str:
    """No mention, link or line of its own may come out of a name."""
    plain = " ".join(text.split())
    return (
        plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "\u2217").replace("`", "'")
    )
