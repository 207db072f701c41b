"""Reads invoices into a schema and asks again when the reply does not fit. An ordinary program."""

import itertools
import logging
import time
from typing import Annotated

import openai
from pydantic import BaseModel, Field, ValidationError, field_validator

PACE_S = 40.0
TRIES = 2
HIGHEST_VAT = 94


class Invoice(BaseModel):
    number: str
    issued: str
    vat_percent: Annotated[int, Field(ge=0, le=100)]
    total: float
    lines: list[str]

    @field_validator("vat_percent")
    @classmethod
    def plausible(cls, percent: int) -> int:
        if percent > HIGHEST_VAT:
            raise ValueError("no country charges that much")
        return percent


log = logging.getLogger(__name__)
client = openai.OpenAI()


def extract(page: str, attempt: int) -> Invoice | None:
    """None when the reply does not fit the schema."""
    try:
        reply = client.chat.completions.parse(
            model="gpt-4.1-mini",
            messages=[
                {"role": "system", "content": "Extract the invoice. Decimal points, no thousands separators."},
                {"role": "user", "content": f"{page}\n(reading {attempt})"},
            ],
            response_format=Invoice,
            temperature=0.0,
        )
    except ValidationError as error:
        log.warning("does not fit: %d fields", error.error_count())
        return None
    return reply.choices[0].message.parsed


def read(page: str) -> Invoice | None:
    """Ask again when the first reading does not fit: both are paid for."""
    readings = (extract(page, attempt) for attempt in range(1, TRIES + 1))
    return next((invoice for invoice in readings if invoice), None)


def main() -> None:
    for number in itertools.count(1):
        page = f"Invoice {20_000 + number}\nOffice chairs, {number % 7 + 1} pieces\nTax shown separately\n" * 12
        try:
            read(page)
        except openai.APIStatusError as error:
            log.warning("skipped: %s", error)
        time.sleep(PACE_S)


if __name__ == "__main__":
    main()
