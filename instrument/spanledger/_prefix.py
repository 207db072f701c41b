"""A prompt as the provider's cache sees it: one text, and the hashes that tell where two such texts part.

Runs on our own thread. `re` keeps every other thread waiting while it works, so it is given short slices.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from . import semconv
from ._fingerprint import canonical, encode, hasher, keyed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BLOCK: Final = 512  # characters, some 128 tokens
_HASH: Final = 6  # bytes per block
_MOST_BLOCKS: Final = 1024
_MOST_VOLATILE: Final = 64
_MOST_BREAKPOINTS: Final = 8
_SLICE: Final = 1024  # characters
_LONGEST_PART: Final = 4096  # characters of a part that is no text: an image in base64 is told by its hash
_TEXTS: Final = ("text", "content", "output", "arguments", "parts", "input")
_SYSTEM: Final = ("system", "developer")

_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_CLOCK: Final = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]m\b)?"
_DAY: Final = r"\d\d?(?:st|nd|rd|th)?"
_DATES: Final = "|".join(
    (
        rf"\b\d{{4}}[-/.]\d\d?[-/.]\d\d?(?:[t ]{_CLOCK})?(?:z|[+-]\d\d:?\d\d)?",
        rf"\b\d\d?[-/.]\d\d?[-/.]\d{{4}}(?:,? {_CLOCK})?",
        rf"\b{_DAY} {_MONTH},? \d{{4}}(?:,? {_CLOCK})?",
        rf"\b{_MONTH} {_DAY},? \d{{4}}(?:,? {_CLOCK})?",
        rf"\b{_CLOCK}",
    )
)
_VOLATILE: Final = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    rf"|(?P<datetime>{_DATES})"
    r"|(?P<hex>\b(?:0x[0-9a-f]+|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,})\b)"
    r"|(?P<number>\d+(?:[.,]\d+)*)",
    re.IGNORECASE | re.ASCII,
)
_DIGIT: Final = re.compile("[0-9]").search  # every volatile piece has one
_KINDS: Final = {"datetime": "date-time"}


class _Text:
    """The prompt's text in the making, with what is counted on the way."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.breakpoints: list[int] = []
        self.parts = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)

    def value(self, value: Any) -> None:
        """Text as it is, messages and parts by their text, all else as JSON."""
        if isinstance(value, str):
            self.add(value)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.parts += 1
                self.value(item)
        elif isinstance(value, dict):
            self._part(value)
        elif value is not None:
            self.add(str(value))

    def _part(self, part: dict[str, Any]) -> None:
        inner = [part[name] for name in _TEXTS if isinstance(part.get(name), (str, list, tuple)) and part[name]]
        called = part.get("tool_calls") or part.get("function_call")
        if inner or called:
            for value in inner:
                self.value(value)
            if called:
                self._json(called)
        else:
            self._json({name: value for name, value in part.items() if name not in ("role", "cache_control")})
        if part.get("cache_control"):
            self.mark()

    def _json(self, value: object) -> None:
        text = encode(value)
        self.add(text if len(text) <= _LONGEST_PART else keyed(text))

    def mark(self) -> None:
        if len(self.breakpoints) < _MOST_BREAKPOINTS:
            self.breakpoints.append(self.length)


class _Prompt:
    """The three sections as one text, and what the roles have of it."""

    def __init__(self, tools: Any, system: Any, prompt: Any) -> None:
        self.text = _Text()
        self.roles: dict[str, int] = {}
        self.messages = 0
        self._tools(tools)
        self._section_ends = [self.text.length]
        listed = prompt if isinstance(prompt, (list, tuple)) else [prompt]
        if system and not (isinstance(system, (list, tuple)) and system[0] in listed):  # else it stands in the messages
            self._message("system", system)
        self._section_ends.append(self.text.length)
        self._after_system = len(self.text.pieces)
        self.text.parts = 0
        for message in listed:
            self._listed(message)

    def _tools(self, tools: Any) -> None:
        for tool in tools if isinstance(tools, (list, tuple)) else [tools] if tools else []:
            self.text.add(encode(tool))
            if isinstance(tool, dict) and tool.get("cache_control"):
                self.text.mark()

    def _listed(self, message: Any) -> None:
        role = str(message.get("role") or message.get("type") or "") if isinstance(message, dict) else "user"
        self._message(role, message)
        if role in _SYSTEM and self.messages == 0:
            self._section_ends[1] = self.text.length
            self._after_system = len(self.text.pieces)
        else:
            self.messages += 1

    def _message(self, role: str, content: Any) -> None:
        self.text.add(f"\n{role}\n")
        named = self.text.length
        self.text.value(content)
        self.roles[role] = self.roles.get(role, 0) + self.text.length - named

    @property
    def section_chars(self) -> list[int]:
        tools, system = self._section_ends
        return [tools, system - tools, self.text.length - system]

    @property
    def whole(self) -> str:
        return "".join(self.text.pieces)

    @property
    def without_system(self) -> str:
        return "".join(self.text.pieces[self._after_system :])


def fingerprints(model: str, settings: Mapping[str, Any], kept: tuple[Any, ...]) -> dict[str, Any]:
    """All hashes and counts of one request, as attributes. `kept`: tools, system, prompt, JSON schema."""
    tools, system, prompt, schema = kept
    read = _Prompt(tools, system, prompt)
    whole = read.whole
    asked = {name: value for name, value in settings.items() if name != semconv.INPUT_CHARS}
    told: dict[str, Any] = {
        semconv.FINGERPRINT_REQUEST: keyed(canonical([model, asked, schema, whole])),
        semconv.FINGERPRINT_MESSAGES: keyed(read.without_system),
        semconv.PREFIX_BLOCK_CHARS: BLOCK,
        semconv.PREFIX_SECTION_CHARS: read.section_chars,
        semconv.PROMPT_MESSAGES: read.messages,
        semconv.PROMPT_PARTS: read.text.parts,
        semconv.PROMPT_ROLES: list(read.roles),
        semconv.PROMPT_ROLE_CHARS: list(read.roles.values()),
    }
    if read.text.breakpoints:
        told[semconv.PREFIX_BREAKPOINTS] = read.text.breakpoints
    if system:
        told[semconv.FINGERPRINT_SYSTEM] = keyed(encode(system))
    return told | _structures(tools, schema) | _chains(whole)


def _structures(tools: Any, schema: Any) -> dict[str, Any]:
    """What is sent as JSON, raw and with its accidental order taken out."""
    told = {}
    if tools:
        told[semconv.FINGERPRINT_TOOLS] = keyed(encode(tools))
        told[semconv.FINGERPRINT_TOOLS_CANONICAL] = keyed(canonical(tools))
        listed = tools if isinstance(tools, (list, tuple)) else [tools]
        told[semconv.FINGERPRINT_TOOLS_SORTED] = keyed(encode(sorted(canonical(tool) for tool in listed)))
    if schema:
        told[semconv.FINGERPRINT_SCHEMA] = keyed(encode(schema))
        told[semconv.FINGERPRINT_SCHEMA_CANONICAL] = keyed(canonical(schema))
    return told


def _chains(whole: str) -> dict[str, Any]:
    head = whole[: BLOCK * _MOST_BLOCKS]
    told: dict[str, Any] = {semconv.PREFIX_BLOCKS: chain(head)}
    masked, kinds, offsets = mask(head)
    if offsets:
        told[semconv.PREFIX_MASKED_BLOCKS] = chain(masked)
        told[semconv.VOLATILE_KINDS] = kinds
        told[semconv.VOLATILE_OFFSETS] = offsets
    return told


def chain(text: str) -> str:
    """12 hex digits for every full block of `text`; each hash covers the text from its start."""
    hashes = []
    running = hasher(_HASH)
    for start in range(0, len(text) - BLOCK + 1, BLOCK):
        running.update(text[start : start + BLOCK].encode("utf-8", "surrogatepass"))
        hashes.append(running.hexdigest())
    return "".join(hashes)


def mask(text: str) -> tuple[str, list[str], list[int]]:
    """`text` with volatile pieces replaced by their kind; the kind and offset of the first such piece in each block."""
    made: list[str] = []
    kinds: list[str] = []
    offsets: list[int] = []
    for start, part in _slices(text):
        if not _DIGIT(part):
            made.append(part)
            continue
        position = 0
        for found in _VOLATILE.finditer(part):
            name = str(found.lastgroup)
            kind = _KINDS.get(name, name)
            made += (part[position : found.start()], f"<{kind}>")
            position = found.end()
            offset = start + found.start()
            if len(offsets) < _MOST_VOLATILE and (not offsets or offset // BLOCK != offsets[-1] // BLOCK):
                kinds.append(kind)
                offsets.append(offset)
        made.append(part[position:])
    return "".join(made), kinds, offsets


def _slices(text: str) -> Iterator[tuple[int, str]]:
    """Cut where no volatile piece is cut in two: before the last line or word of a slice."""
    start = 0
    while start < len(text):
        end = start + _SLICE
        if end < len(text):
            cut = max(text.rfind("\n", start, end), text.rfind(". ", start, end))
            end = cut if cut > start else end
        yield start, text[start:end]
        start = end
