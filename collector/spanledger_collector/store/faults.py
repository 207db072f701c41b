"""What can go wrong with a store, each with the words its reader needs."""

from __future__ import annotations


class StoreFault(Exception):
    """Base of everything the store raises on purpose."""


class StoreAddress(StoreFault):
    """The address is none a store can be opened at; the text says which forms there are."""


class StoreOwned(StoreFault):
    """Another process has the embedded store open. One process owns it; the others ask that one over HTTP."""


class StoreUnreachable(StoreFault):
    """The ClickHouse server did not answer, or refused us."""


class StoreNewer(StoreFault):
    """The store was written by a later release, whose tables this one does not know."""


class QueryRefused(StoreFault):
    """The query would have taken more than a reader may: time, memory or rows. ``limit`` says which."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit
