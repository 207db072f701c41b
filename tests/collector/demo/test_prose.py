"""Structured answers fit the schema they were asked for."""

from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from spanledger_collector.demo.prose import randomness, sample, vector


class Currency(Enum):
    EUR = "EUR"
    USD = "USD"


class Line(BaseModel):
    text: Annotated[str, Field(max_length=12)]
    amount: Annotated[float, Field(gt=0, le=50)]
    parts: list["Line"]


class Invoice(BaseModel):
    kind: Literal["invoice"]
    due: date
    currency: Currency
    pieces: Annotated[int, Field(ge=3, le=5)]
    lines: Annotated[list[Line], Field(min_length=2)]
    note: str | None
    paid: bool


@pytest.mark.parametrize("seed", range(20))
def test_a_sample_of_a_schema_is_valid(seed):
    drawn = sample(Invoice.model_json_schema(), randomness(str(seed)))
    assert Invoice.model_validate(drawn)


def test_the_same_seed_draws_the_same():
    schema = Invoice.model_json_schema()
    assert sample(schema, randomness("a")) == sample(schema, randomness("a")) != sample(schema, randomness("b"))


def test_a_vector_has_length_one_whatever_the_text():
    for text in ("", "refund", "refund refund of an order"):
        assert sum(value * value for value in vector(text, 64)) == pytest.approx(1)
