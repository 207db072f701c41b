"""The shape of an integration, and the reading that SDKs have in common."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Done:
    """Work that no call waited for, as a reply tells of it: the provider's own id of it, and its times."""

    identity: str
    start_ns: int  # UTC
    end_ns: int


Value = str | bool | int | float | list[str] | Done
Attributes = dict[str, Value]
DONE: Final = "done"  # of Attributes, where they tell of such work; never on a span
LONGEST_SAID: Final = 64 * 1024  # characters of a streamed reply kept until its end, to be known when it is validated


@dataclass(slots=True)
class Request:
    """What is read of a request. `prompt` is None when it is an iterator: the caller's, never touched."""

    model: str
    stream: bool
    attributes: Attributes
    system: Any = None
    tools: Any = None
    prompt: Any = None
    schema: Any = None  # the class that the reply is to fit
    schema_json: Any = None  # the schema as the application wrote it in JSON, when it did


class Reader(Protocol):
    """Reads a streamed reply piece by piece. `complete` turns true with the provider's last word."""

    complete: bool

    def feed(self, piece: Any, /) -> None: ...
    def result(self) -> Attributes: ...


@dataclass(frozen=True, slots=True)
class Target:
    """One SDK method.

    A `manager` method only prepares; the `enters` method of what it returns sends the request. A `lazy` one returns a
    generator when it streams, and sends the request with the first piece. A `results` one hands out replies to work
    that no call waited for.
    """

    module: str
    path: str  # Class.method
    api: str  # told to read_request, read_reply and reader
    asynchronous: bool
    kind: Literal["call", "manager", "enters", "lazy", "results"] = "call"
    required: bool = True  # False: older SDK versions lack it
    inner: bool = False  # when called inside another call, part of that
    streams: bool = False  # always, not only when `stream` is given
    only: Callable[[Mapping[str, Any]], bool] | None = None  # arguments of calls to record; by default all
    positional: tuple[str, ...] = ()  # names of the arguments that may be given by place


@dataclass(frozen=True, slots=True)
class Watch:
    """One SDK function that a request passes on its way: what it means when it is called.

    `wait`: an attempt failed, and the function sleeps before the next. `fails`: the same, but something else sleeps.
    `sends`: an attempt begins. `answers`: a response is here. `attempt`: the function makes one whole attempt.
    """

    module: str
    path: str
    asynchronous: bool | None
    means: Literal["wait", "fails", "sends", "answers", "attempt"]
    argument: tuple[int, str] = (0, "response")  # of the response, or of the error that holds it
    required: bool = True


class Answer(NamedTuple):
    """What is told of an HTTP response where the SDK keeps none."""

    status_code: int
    headers: Mapping[str, str]


def class_name(client: Any) -> str:
    return type(client).__name__.removeprefix("Async")


def no_settings(_client: Any) -> Attributes:
    return {}


def itself(reply: Any) -> Any:
    return reply


def never(_reply: Any) -> bool:
    return False


def never_asked(_api: str, _kwargs: Mapping[str, Any]) -> None:
    return None


def no_result(_api: str, _reply: Any, _kwargs: Mapping[str, Any]) -> Attributes:
    return {}


def no_texts(_api: str, _reply: Any) -> list[str]:
    return []


def response_of(error: BaseException) -> Any:
    return getattr(error, "response", None)


@dataclass(frozen=True, slots=True)
class Integration:
    """One SDK. The readers take the target's `api` first. Replies may be models or decoded JSON (`Fields`)."""

    package: str
    provider: str
    targets: tuple[Target, ...]
    read_request: Callable[[str, Mapping[str, Any]], Request]
    read_reply: Callable[[str, Any], Attributes]
    reader: Callable[[str], Reader]
    operations: Mapping[str, str]  # api -> gen_ai.operation.name
    watches: tuple[Watch, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)  # end of the server's name -> provider
    clients: Mapping[str, str] = field(default_factory=dict)  # kind of client -> provider
    client_of: Callable[[Any], Any] = attrgetter("_client")  # of the object that has the method
    url_of: Callable[[Any], Any] = attrgetter("_base_url")  # of the client: text, or an object with its parts
    kind_of: Callable[[Any], str] = class_name
    read_client: Callable[[Any], Attributes] = no_settings  # what is configured on a client
    response_of: Callable[[BaseException], Any] = response_of  # the HTTP response that an error tells of
    misfits: Callable[[Any], bool] = never  # whether a reply did not fit its schema, where the SDK does not raise
    read_result: Callable[[str, Any, Mapping[str, Any]], Attributes] = no_result  # of a reply or piece, and arguments
    texts: Callable[[str, Any], list[str]] = no_texts  # of a reply, that the application may validate
    stream_of: Callable[[Any], Any] = itself  # the SDK's stream object in a streamed reply
    iterator: str = "_iterator"  # where that keeps the iterator it reads
    body_of: Callable[[Any], Any] = attrgetter("response.stream")  # of the stream object: what is closed in the end
    ask_usage: Callable[[str, Mapping[str, Any]], dict[str, Any] | None] = never_asked  # arguments that bring usage
    only_usage: Callable[[Any], bool] = never  # whether a piece is one that the application did not ask for
    delegates: bool = False  # its calls may be made through another SDK, whose call then is the bill
    unsent: frozenset[str] = frozenset()  # names of errors that say that nothing went out


class Fields(dict[str, Any]):
    """Decoded JSON read like a model; what is missing is None."""

    __getattr__ = dict.get


def stainless(package: str) -> tuple[Watch, ...]:
    """What every SDK made by Stainless passes: the sleep before a retry, and the reading of the answer."""
    module = f"{package}._base_client"
    return (
        Watch(module, "SyncAPIClient._sleep_for_retry", asynchronous=False, means="wait"),
        Watch(module, "AsyncAPIClient._sleep_for_retry", asynchronous=True, means="wait"),
        Watch(module, "SyncAPIClient._process_response", asynchronous=False, means="answers"),
        Watch(module, "AsyncAPIClient._process_response", asynchronous=True, means="answers"),
    )


def pair(module: str, name: str, api: str, *, required: bool = True) -> tuple[Target, Target]:
    """The sync and the async twin of `Class.method`."""
    return (
        Target(module, name, api, asynchronous=False, required=required),
        Target(module, "Async" + name, api, asynchronous=True, required=required),
    )


def managed(module: str, name: str, managers: tuple[str, str], api: str) -> tuple[Target, ...]:
    """`Class.stream` on both twins, with the context managers (`module:Class`) that send the request."""
    (home, _, sync), (_, _, async_) = (manager.partition(":") for manager in managers)
    return (
        Target(module, name, api, asynchronous=False, kind="manager"),
        Target(module, "Async" + name, api, asynchronous=False, kind="manager"),
        Target(home, f"{sync}.__enter__", api, asynchronous=False, kind="enters"),
        Target(home, f"{async_}.__aenter__", api, asynchronous=True, kind="enters"),
    )


def read_arguments(kwargs: Mapping[str, Any], table: Iterable[tuple[str, str, tuple[type, ...]]]) -> Attributes:
    """The arguments that `table` (argument, attribute, types) knows; the SDKs' "not given" marks have other types."""
    return {key: kwargs[name] for name, key, kinds in table if name in kwargs and isinstance(kwargs[name], kinds)}


def counts(source: Any, table: Iterable[tuple[str, str]]) -> Attributes:
    """The token counts that `source` has of `table` (field, attribute)."""
    found: Attributes = {}
    for name, key in table:
        value = getattr(source, name, None)
        if value.__class__ is int:
            found[key] = value
    return found


def given(value: Any) -> Any:
    """`value` when it is plain data that can be read twice, else None."""
    return value if isinstance(value, (str, list, tuple, dict)) else None


def text_length(value: Any) -> int:
    """Characters of text in a prompt: strings, messages and their parts. Images and other data count nothing."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum([text_length(item) for item in value])
    if not isinstance(value, dict):
        return text_length(getattr(value, "content", None)) if hasattr(value, "content") else 0
    for name in ("content", "text", "output", "arguments"):
        if name in value:
            return text_length(value[name])
    return 0


def results(module: str, name: str, api: str, *positional: str, required: bool = True) -> tuple[Target, ...]:
    """The twins of a method that hands out replies to work that no call waited for."""
    twins = pair(module, name, api, required=required)
    return tuple(replace(target, kind="results", positional=positional) for target in twins)


def nanoseconds(moment: Any) -> int:
    """UTC nanoseconds of what providers write: seconds, a datetime, or RFC 3339; 0 of anything else."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    if isinstance(moment, datetime):
        moment = moment.timestamp()
    return int(moment * 1000) * 1_000_000 if isinstance(moment, (int, float)) else 0
