"""Finds the passages that fit a question, then answers from them. An ordinary program."""

import itertools
import logging
import math
import time

import openai

PACE_S = 40.0
PASSAGES = [
    "Travel is booked by the travel desk; first class needs a director's approval.",
    "Holidays are requested six weeks ahead and approved by the team lead.",
    "Expenses above 50 euros need a receipt. Receipts are kept for ten years.",
    "Laptops are replaced after four years or when they cannot run the current system.",
    "Guests are announced at the reception a day before and never left alone.",
    "Overtime is paid or compensated within three months, whichever the employee prefers.",
]
QUESTIONS = [
    "May I fly first class?",
    "How early must I ask for holidays?",
    "Do I need a receipt for a lunch of 30 euros?",
    "When do I get a new laptop?",
]

log = logging.getLogger(__name__)
client = openai.OpenAI()


def embed(texts: list[str]) -> list[list[float]]:
    reply = client.embeddings.create(model="text-embedding-3-small", input=texts)
    return [item.embedding for item in reply.data]


def nearest(question: list[float], passages: list[list[float]], count: int = 3) -> list[int]:
    def likeness(index: int) -> float:
        return math.fsum(a * b for a, b in zip(question, passages[index], strict=True))

    return sorted(range(len(passages)), key=likeness, reverse=True)[:count]


def respond(question: str, sources: str) -> str:
    reply = client.responses.create(
        model="gpt-5-mini",
        instructions="Answer from the sources only and name the one you used.",
        input=f"Sources:\n{sources}\n\nQuestion: {question}",
    )
    return reply.output_text


def preview(question: str) -> str:
    """Streams a first guess; nobody asked for its usage, so the stream does not tell it."""
    stream = client.chat.completions.create(
        model="gpt-4.1-nano", messages=[{"role": "user", "content": question}], stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def main() -> None:
    known: list[list[float]] = []
    for number, question in enumerate(itertools.cycle(QUESTIONS)):
        try:
            known = known or embed(PASSAGES)
            found = nearest(embed([question])[0], known)
            respond(question, "\n".join(PASSAGES[index] for index in found))
            if number % 5 == 0:
                preview(question)
        except openai.APIStatusError as error:
            log.warning("no answer: %s", error)
        time.sleep(PACE_S)


if __name__ == "__main__":
    main()
