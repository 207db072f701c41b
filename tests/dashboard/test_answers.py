"""What several viewers ask at one time is asked once, and answers do not outlive their time or their room."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from spanledger_dashboard.answers import Answers
from spanledger_dashboard.client import ApiError

LONG = 3600.0
PATIENCE = 60


class Ledger:
    """Counts questions; while its gate is closed an answer is under way."""

    def __init__(self, error: ApiError | None = None) -> None:
        self.asked = 0
        self.reached, self.gate = threading.Event(), threading.Event()
        self._error = error

    def ask(self) -> tuple[Any, int]:
        self.asked += 1
        self.reached.set()
        assert self.gate.wait(PATIENCE)
        if self._error:
            raise self._error
        return self.asked, 100


def together(answers: Answers, ledger: Ledger, people: int) -> list[Any]:
    """All come while the first one's question is under way."""
    came = threading.Semaphore(0)

    def person() -> Any:
        came.release()
        try:
            return answers.get("spend", LONG, ledger.ask)
        except ApiError as error:
            return str(error)

    with ThreadPoolExecutor(people) as pool:
        found = [pool.submit(person)]
        assert ledger.reached.wait(PATIENCE)
        found += [pool.submit(person) for _ in range(people - 1)]
        for _ in range(people):
            assert came.acquire(timeout=PATIENCE)
        ledger.gate.set()
        return [each.result(PATIENCE) for each in found]


def test_what_ten_ask_at_one_time_is_asked_once() -> None:
    ledger = Ledger()
    assert together(Answers(10**6), ledger, 10) == [1] * 10
    assert ledger.asked == 1


def test_those_who_waited_are_told_the_same_error_and_who_comes_later_asks_again() -> None:
    silent, ledger, answers = Ledger(ApiError("unreachable", "no answer")), Ledger(), Answers(10**6)
    ledger.gate.set()
    assert set(together(answers, silent, 2)) == {"no answer"}
    assert answers.get("spend", LONG, ledger.ask) == 1


@pytest.mark.parametrize(("seconds", "asked"), [(LONG, 1), (-1.0, 2)])
def test_an_answer_holds_for_its_time(seconds: float, asked: int) -> None:
    ledger, answers = Ledger(), Answers(10**6)
    ledger.gate.set()
    for _ in range(2):
        answers.get("spend", seconds, ledger.ask)
    assert ledger.asked == asked


def test_what_is_forgotten_is_asked_again() -> None:
    ledger, answers = Ledger(), Answers(10**6)
    ledger.gate.set()
    answers.get("spend", LONG, ledger.ask)
    answers.forget()
    assert answers.get("spend", LONG, ledger.ask) == 2


def test_the_answer_used_longest_ago_makes_room() -> None:
    ledger, answers = Ledger(), Answers(most_bytes=2_500)
    ledger.gate.set()
    for question in ("a", "b", "a", "c"):
        answers.get(question, LONG, ledger.ask)
    assert answers.get("a", LONG, ledger.ask) == 1
    assert answers.get("b", LONG, ledger.ask) == 4
