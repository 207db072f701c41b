"""A person at the dashboard, without a browser: Streamlit's own wire, as its page in the browser speaks it.

Ten browsers on one machine measure browsers; ten people bring ten machines. What they share is the dashboard's process
and the collector, and over this wire nothing else is measured. An open tab asks for its fragments again when their time
has come, as the one in a browser does.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self
    from websockets.asyncio.client import ClientConnection

PATIENCE_S: Final = 180
_ANY_SIZE: Final = None  # of a message: tables come whole
_PROTOCOL: Final = Subprotocol("streamlit")


class Broken(RuntimeError):
    """The page did not come to be: it ended in an error, or was not found."""


@dataclass(slots=True)
class Visit:
    """Seconds since the click: until the page's sentence had come, and until all of it had."""

    page_hash: str  # empty for the page that the address names
    begun: float = field(default_factory=time.perf_counter)
    running: bool = False
    said: float = 0
    drawn: float = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    wrong: str = ""

    def hears(self, message: ForwardMsg) -> None:
        """Take note of a message that the dashboard sent to this tab."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.running = self.page_hash in ("", message.new_session.page_script_hash)
        elif not self.running:
            return
        elif kind == "delta":
            self._hears_element(message)
        elif kind == "page_not_found":
            self._ends(f"there is no page {message.page_not_found.page_name!r}")
        elif kind == "script_finished":
            self._hears_end(message.script_finished)

    def _hears_element(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self._ends(f"{element.exception.type}: {element.exception.message}")
        elif kind == "text" and not message.delta.fragment_id and not self.said:
            self.said = time.perf_counter() - self.begun

    def _hears_end(self, status: int) -> None:
        if status == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._ends("" if self.said else "it said nothing")
        elif status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self._ends("the page does not compile")

    def _ends(self, wrong: str) -> None:
        self.wrong = self.wrong or wrong
        self.drawn = time.perf_counter() - self.begun
        self.done.set()


class Tab:
    """One open tab: a session of the dashboard."""

    def __init__(self, url: str, query: str) -> None:
        self._url = url
        self._query = query
        self._pages: dict[str, str] = {}
        self._page = ""
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._visit: Visit | None = None

    async def __aenter__(self) -> Self:
        address = self._url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket: ClientConnection = await connect(
            address, subprotocols=[_PROTOCOL], origin=Origin(self._url), max_size=_ANY_SIZE, compression=None
        )
        self._reader = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._still()
        self._reader.cancel()
        await self._socket.close()

    async def open(self, path: str) -> Visit:
        """The page at an address, in a tab that has none yet."""
        return await self._asked(Visit(""), page_name=path)

    async def click(self, path: str) -> Visit:
        """Go to a page of the app that is open, as a link of its navigation does."""
        self._page = self._pages[path]
        return await self._asked(Visit(self._page), page_script_hash=self._page)

    async def _asked(self, visit: Visit, **page: str) -> Visit:
        self._still()
        self._visit = visit
        await self._send(**page)
        await asyncio.wait_for(visit.done.wait(), PATIENCE_S)
        if visit.wrong:
            raise Broken(f"{page}: {visit.wrong}")
        return visit

    async def _send(self, **state: str | bool) -> None:
        message = BackMsg()
        for name, value in {"query_string": self._query, **state}.items():
            setattr(message.rerun_script, name, value)
        message.rerun_script.context_info.timezone = "UTC"
        message.rerun_script.context_info.url = self._url
        await self._socket.send(message.SerializeToString())

    async def _listen(self) -> None:
        async for received in self._socket:
            message = ForwardMsg.FromString(received)  # type: ignore[arg-type] # the dashboard sends bytes alone
            if act := self._ACTS.get(message.WhichOneof("type") or ""):
                act(self, message)
            if self._visit:
                self._visit.hears(message)

    def _navigates(self, message: ForwardMsg) -> None:
        for page in message.navigation.app_pages:
            self._pages["" if page.is_default else page.url_pathname] = page.page_script_hash
        self._page = message.navigation.page_script_hash

    def _repeats(self, message: ForwardMsg) -> None:
        fragment = message.auto_rerun.fragment_id
        if fragment not in self._timers:
            self._timers[fragment] = asyncio.create_task(self._repeat(fragment, message.auto_rerun.interval))

    async def _repeat(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._send(fragment_id=fragment, is_auto_rerun=True, page_script_hash=self._page)

    def _still(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    _ACTS: Final[dict[str, Callable[[Tab, ForwardMsg], None]]] = {"navigation": _navigates, "auto_rerun": _repeats}


def wait_until_served(url: str) -> None:
    """Until a Streamlit server answers there."""
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(url):
        if time.monotonic() > deadline:
            raise Broken(f"nothing is served at {url}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_stcore/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False


async def person(url: str, paths: list[str], query: str, *, links: bool) -> list[Visit]:
    """Somebody who opens one page after another as soon as the last is drawn: by links of one tab, or in new tabs."""
    if not links:
        return [await _opened(url, path, query) for path in paths]
    async with Tab(url, query) as tab:
        return [await tab.open(paths[0]), *[await tab.click(path) for path in paths[1:]]]


async def _opened(url: str, path: str, query: str) -> Visit:
    async with Tab(url, query) as tab:
        return await tab.open(path)
