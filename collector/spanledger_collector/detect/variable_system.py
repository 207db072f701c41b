"""D43: a system message that is another with nearly every call: user data or documents may stand in it. A hint."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spanledger_collector.detect.facts import percent
from spanledger_collector.detect.finding import Ask, Detector, Finding, Fix, Window
from spanledger_collector.detect.prompts import Group, Prompt, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CALLS: Final = 20
MIN_VARIED: Final = 0.8  # different system messages by calls
MIN_SHARE: Final = 0.3  # of the prompt

_SNIPPET = """\
messages=[{"role": "system", "content": INSTRUCTIONS},
          {"role": "user", "content": f"<document>{document}</document>\\n{question}"}]"""


def find(ask: Ask, window: Window) -> Iterator[Finding]:
    for group in groups(ask("prompt_prefixes")):
        prompts = [prompt for prompt in group.prompts if _weighty(prompt)]
        if len(prompts) >= MIN_CALLS and len({_masked_system(each) for each in prompts}) >= MIN_VARIED * len(prompts):
            yield _finding(group, prompts, window)


def _weighty(prompt: Prompt) -> bool:
    sections = prompt.row["section_chars"]
    return len(sections) > 1 and sections[1] >= MIN_SHARE * prompt.chars and _blocks(prompt) > 0


def _blocks(prompt: Prompt) -> int:
    return int(sum(prompt.row["section_chars"][:2])) // prompt.block_chars


def _masked_system(prompt: Prompt) -> str:
    """The hash of everything up to the system message's end, times and ids blanked: they are another finding's."""
    masked = prompt.masked[: _blocks(prompt)]
    return masked[-1] if masked else ""


def _finding(group: Group, prompts: list[Prompt], window: Window) -> Finding:
    different = len({_masked_system(each) for each in prompts})
    return group.facts.finding(
        [each.row for each in prompts],
        window,
        detector="D43",
        category="prompt",
        title=f"The system message is another in {percent(different, len(prompts))} of the calls",
        why=(
            f"{len(prompts):,} calls had {different:,} different system messages, times and ids aside. What changes "
            "with the call is data: in the system's role it weighs as much as your own rules (text from outside can "
            "give orders there), and it keeps the rules behind it out of the cache."
        ),
        fix=Fix("Keep the rules alone in the system message; data goes into the user's, marked as such.", _SNIPPET),
        verify="This place has one system message per release.",
        confidence="low",
    )


DETECTOR = Detector("D43", timedelta(days=7), find)
