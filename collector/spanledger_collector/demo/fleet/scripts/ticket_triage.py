"""Sorts the day's tickets in bursts, against a small rate limit, some of them twice. An ordinary program."""

import itertools
import logging
import time

import openai

PACE_S = 600.0
BURST = 18
LABELS = "billing, delivery, damage, account, praise, other"
TICKETS = [
    "My invoice shows the wrong company name.",
    "The parcel was left in the rain.",
    "I cannot sign in since the update.",
    "Great service last week, thank you!",
    "Please cancel my subscription.",
]

log = logging.getLogger(__name__)
client = openai.OpenAI(max_retries=5)


def classify(ticket: str, model: str) -> str:
    reply = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": f"Answer with one label of: {LABELS}."},
            {"role": "user", "content": ticket},
        ],
        temperature=0.0,
        max_tokens=8,
    )
    return reply.choices[0].message.content or ""


def classify_tuned(ticket: str) -> str:
    """The fine-tuned model, which no price list knows."""
    return classify(ticket, "ft:gpt-4.1-nano-2025-04-14:acme:tickets:Bx2kQ7")


def main() -> None:
    for burst in itertools.count():
        for number in range(BURST):
            ticket = TICKETS[(burst + number) % len(TICKETS)]  # five tickets, eighteen requests: most are repeats
            try:
                if number % 3:
                    classify(ticket, "gpt-4.1-nano")
                else:
                    classify_tuned(ticket)
            except openai.APIStatusError as error:
                log.warning("left for tomorrow: %s", error)
        time.sleep(PACE_S)


if __name__ == "__main__":
    main()
