"""What the collector does by itself makes room for whoever opens a page, and comes to its end all the same."""

import threading
import time

import pytest

from spanledger_collector.giving_way import GivesWay, Pages


def test_a_page_is_asked_for_while_it_is_answered_and_a_moment_longer():
    pages, brief = Pages(rest_s=3600), Pages(rest_s=0)
    assert not pages.asked()
    for each in (pages, brief):
        with each.answering():
            assert each.asked()
    assert pages.asked()
    assert not brief.asked()


def test_an_answer_that_fails_is_over_too():
    pages = Pages(rest_s=0)
    with pytest.raises(ZeroDivisionError), pages.answering():
        _ = 1 / 0
    assert not pages.asked()


def test_a_collector_that_stops_waits_for_no_page():
    pages = Pages(rest_s=3600)
    with pages.answering():
        pages.close()
        GivesWay(pages.asked, most_s=3600)()


def test_work_goes_on_when_no_page_is_asked_for_any_more():
    asked, worked = threading.Event(), threading.Event()
    asked.set()
    give_way = GivesWay(asked.is_set, most_s=3600)

    def work():
        give_way()
        worked.set()

    working = threading.Thread(target=work)
    working.start()
    assert not worked.wait(0.3)
    asked.clear()
    assert worked.wait(60)
    working.join(60)


def test_under_pages_without_end_it_works_for_as_long_as_it_waited():
    waits = []

    def asked():
        waits.append(time.monotonic())
        return True

    give_way = GivesWay(asked, most_s=0.2)
    give_way()
    assert waits[-1] - waits[0] >= 0.1
    waits.clear()
    owed = give_way._owed_until
    give_way()
    assert not waits or time.monotonic() > owed
