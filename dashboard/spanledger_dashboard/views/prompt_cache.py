"""How much input do prompt caches serve, and where do prefixes break?"""

from __future__ import annotations

from spanledger_dashboard import cache, cards, filters, finding, panels, prompt_cache, states


def page() -> None:
    """The sentence, the hit rate and its money, input cost by day, models, a prefix, then the findings on caching."""
    if not cache.names("beginning"):
        states.empty(cache.pulse().status)
        return
    chosen = filters.bar()
    rows, broken = prompt_cache.parts(chosen), prompt_cache.broken(chosen)
    cards.opening(prompt_cache.sentence(rows, broken, chosen.period.said), demo=cache.pulse().demo)
    panels.restated(chosen)
    if not prompt_cache.tokens(rows):
        states.nothing_matches()
        return
    then = prompt_cache.parts(chosen.earlier) if chosen.earlier else []
    prompt_cache.figures(rows, then, chosen.earlier.period.said if chosen.earlier else "")
    prompt_cache.over_time(chosen, rows)
    prompt_cache.by_model(rows)
    prompt_cache.prefixes(chosen)
    for row in broken:
        finding.card(row)
