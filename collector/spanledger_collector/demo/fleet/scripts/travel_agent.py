"""An agent that books trips with Claude: cached instructions, tools, a short title at the end. An ordinary program."""

import itertools
import logging
import time
from typing import Any

import anthropic

PACE_S = 60.0
MOST_TURNS = 3
HANDBOOK = "\n".join(
    f"Paragraph {number}: prefer trains below four hours, book hotels near the station, keep every confirmation, "
    f"never book without a cost centre, and tell the traveller which of the {number % 5 + 2} options you left out."
    for number in range(1, 71)
)
TRIPS = ["Rome to Milan on Friday", "Berlin to Paris, two nights", "Vienna to Graz and back", "Lyon to Geneva"]
TOOLS: list[Any] = [
    {
        "name": "find_connections",
        "description": "Connections between two cities on a day",
        "input_schema": {
            "type": "object",
            "properties": {
                "from_city": {"type": "string"},
                "to_city": {"type": "string"},
                "day": {"type": "string", "format": "date"},
            },
            "required": ["from_city", "to_city", "day"],
        },
    }
]
SYSTEM: list[Any] = [{"type": "text", "text": HANDBOOK, "cache_control": {"type": "ephemeral"}}]

log = logging.getLogger(__name__)
client = anthropic.Anthropic()


def plan(turns: list[Any]) -> anthropic.types.Message:
    return client.messages.create(model="claude-sonnet-4-6", max_tokens=600, system=SYSTEM, tools=TOOLS, messages=turns)


def book(trip: str) -> str:
    """Ask, run the tool, ask again, until the model answers in words."""
    turns: list[Any] = [{"role": "user", "content": f"Plan: {trip}"}]
    for _ in range(MOST_TURNS):
        message = plan(turns)
        uses = [part for part in message.content if part.type == "tool_use"]
        if not uses:
            return "".join(part.text for part in message.content if part.type == "text")
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "09:10, 11:10, 13:40"} for use in uses]
        turns += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    return ""


def title(trip: str) -> str:
    with client.messages.stream(
        model="claude-haiku-4-5", max_tokens=40, messages=[{"role": "user", "content": f"A title for: {trip}"}]
    ) as stream:
        return "".join(stream.text_stream)


def main() -> None:
    for trip in itertools.cycle(TRIPS):
        try:
            book(trip)
            title(trip)
        except anthropic.APIStatusError as error:
            log.warning("not booked: %s", error)
        time.sleep(PACE_S)


if __name__ == "__main__":
    main()
