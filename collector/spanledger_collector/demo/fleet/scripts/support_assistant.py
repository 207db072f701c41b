"""Answers customers while the model still writes. An ordinary program: it knows nothing of Spanledger."""

import itertools
import logging
import time
from datetime import datetime, timezone

import openai

PACE_S = 20.0
POLICY = "\n".join(
    f"Rule {number}: {rule}"
    for number, rule in enumerate(
        [
            "Refunds are made to the card that paid, within five working days, never in cash.",
            "An order that has left the warehouse cannot be changed; offer a return label instead.",
            "Prices include tax. Quote them with two decimals and the customer's currency.",
            "Name the order number in the first sentence so that the customer knows you found it.",
            "Do not promise delivery days in the week before a public holiday.",
            "A damaged parcel needs a photograph; ask for it once and thank for it.",
            "Hand over to a person when the customer asks for one, and say how long it takes.",
        ]
        * 9,
        start=1,
    )
)
QUESTIONS = [
    "Where is order 1042? It should have been here on Monday.",
    "I was charged twice for order 2207.",
    "The lamp arrived broken. What now?",
    "Can I still change the delivery address of order 3118?",
    "How long do refunds take?",
    "I want to talk to a person, please.",
]

log = logging.getLogger(__name__)
client = openai.OpenAI()


def answer(question: str) -> str:
    """The time of day stands first, so that the model always knows it."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    stream = client.chat.completions.create(
        model="gpt-4.1",
        messages=[
            {"role": "system", "content": f"It is {now}. You are a support assistant.\n{POLICY}"},
            {"role": "user", "content": question},
        ],
        temperature=0.3,
        stream=True,
        stream_options={"include_usage": True},
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def hand_over(question: str, reply: str) -> str:
    """A note for the colleague who takes over."""
    note = client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=[
            {"role": "system", "content": f"Summarise for a colleague.\n{POLICY}"},
            {"role": "user", "content": f"Customer: {question}\nAssistant: {reply}"},
        ],
        max_tokens=120,
    )
    return note.choices[0].message.content or ""


def main() -> None:
    for number, question in enumerate(itertools.cycle(QUESTIONS)):
        try:
            reply = answer(question)
            if number % 3 == 0:
                hand_over(question, reply)
        except openai.APIStatusError as error:
            log.warning("no answer: %s", error)
        time.sleep(PACE_S)


if __name__ == "__main__":
    main()
