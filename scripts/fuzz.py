"""Break requests and see that what is accepted is decoded, read by its dialect, priced and fit for the tables.

usage: .venv/bin/python scripts/fuzz.py [--seconds 120] [--seed N] [--atheris]

Requests are those recorded from real packages (tests/collector/normalise/recorded), with bytes replaced, cut out and
put in, pieces exchanged between them, and values that no sane emitter would send. With --atheris (`pip install
atheris`) its coverage leads instead of chance. A failure leaves the request in fuzz-failure.bin and ends with its
traceback; otherwise what was tried is counted at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest  # noqa: E402
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: E402
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList  # noqa: E402
from tests.collector.normalise.recordings import recordings  # noqa: E402

from spanledger_collector import normalise, otlp, otlp_logs  # noqa: E402
from spanledger_collector.otlp import Unreadable  # noqa: E402
from spanledger_collector.pricing import Book  # noqa: E402
from spanledger_collector.receivers.otlp_json import to_protobuf  # noqa: E402
from spanledger_collector.store import call_rows, span_rows  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW_NS = 1_900_000_000_000_000_000
FAILURE = Path("fuzz-failure.bin")
MOST_CHANGES = 8
KEPT = 0.8  # of the changes keep the request's length
KINDS: dict[str, Any] = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
VALUES = (
    AnyValue(),
    *(AnyValue(int_value=number) for number in (0, -1, 1, 2**31, 2**63 - 1, -(2**63))),
    *(AnyValue(double_value=float(number)) for number in ("nan", "inf", "-inf", "1e308", "-0.5", "0.1")),
    *(AnyValue(string_value=text) for text in ("", "-1", "1e400", "[" * 500, "{}", "[1, null]", "\x00", "x" * 9000)),
    *(AnyValue(bool_value=truth) for truth in (True, False)),
    AnyValue(bytes_value=b"\xff\x00"),
    AnyValue(array_value=ArrayValue(values=[AnyValue(), AnyValue(int_value=-7), AnyValue(string_value="a")])),
    AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="", value=AnyValue(double_value=float("nan")))])),
)
READERS: dict[str, Any] = {"traces": otlp, "logs": otlp_logs}


class Fuzz:
    """One run; ``tried`` counts requests by what became of them."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self._book = Book()

    def request(self, signal: str, body: bytes) -> None:
        """Raises what a collector must never raise."""
        try:
            checked = READERS[signal].check(body, NOW_NS)
        except Unreadable:
            self.tried["unreadable"] += 1
            return
        spans = list(READERS[signal].decode(body, NOW_NS))
        assert len(spans) == checked.accepted, f"{checked.accepted} accepted, {len(spans)} decoded"
        calls = [call for span in spans if (call := normalise.to_call(span)) is not None]
        for call in calls:
            call.cost = self._book.price(call)
            assert call.cost.total is None or Decimal(0) <= call.cost.total, call.cost
        assert span_rows.table(spans).num_rows == len(spans)
        assert call_rows.table(calls).num_rows == len(calls)
        self.tried["with calls" if calls else "accepted" if spans else "refused"] += 1


def seeds() -> list[tuple[str, bytes]]:
    return [request_of(export) for recording in recordings() for export in recording.exports]


def request_of(export: dict[str, Any]) -> tuple[str, bytes]:
    signal = "logs" if "resourceLogs" in export else "traces"
    return signal, to_protobuf(json.dumps(export).encode(), KINDS[signal]())


def broken(chance: random.Random, signal: str, body: bytes, other: bytes) -> bytes:
    """The request with some places changed, mostly without moving the rest, or with other values in its attributes."""
    if chance.random() < 0.5:  # noqa: PLR2004 - either way
        return odd(chance, signal, body)
    data = bytearray(body)
    for _ in range(chance.randint(1, MOST_CHANGES)):
        place, size = chance.randrange(len(data) + 1), chance.choice((1, 1, 1, 2, 4))
        start = chance.randrange(len(other) + 1)
        piece = chance.choice((chance.randbytes(size), other[start : start + 64], b""))
        data[place : place + (len(piece) if chance.random() < KEPT else size)] = piece
    return bytes(data)


def odd(chance: random.Random, signal: str, body: bytes) -> bytes:
    request = KINDS[signal].FromString(body)
    groups = request.resource_logs if signal == "logs" else request.resource_spans
    for group in groups:
        told = [
            record
            for scope in (group.scope_logs if signal == "logs" else group.scope_spans)
            for record in (scope.log_records if signal == "logs" else scope.spans)
        ]
        for record in told:
            pairs = [*record.attributes, *group.resource.attributes]
            for pair in chance.sample(pairs, min(len(pairs), chance.randint(1, 4))):
                pair.value.CopyFrom(chance.choice(VALUES))
    return bytes(request.SerializeToString())


def by_chance(fuzz: Fuzz, seconds: float, seed: int) -> None:
    chance, corpus, end = random.Random(seed), seeds(), time.monotonic() + seconds
    while time.monotonic() < end:
        (signal, body), (_, other) = chance.choice(corpus), chance.choice(corpus)
        attempt(fuzz, signal, broken(chance, signal, body, other))


def by_coverage(fuzz: Fuzz, seconds: float) -> None:
    import atheris

    folder = ROOT / ".cache" / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (signal, body) in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes((b"\0" if signal == "traces" else b"\1") + body)
    kinds = list(READERS)
    one: Callable[[bytes], None] = lambda data: attempt(fuzz, kinds[data[0] % 2], data[1:]) if data else None  # noqa: E731
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], str(folder), f"-max_total_time={int(seconds)}"], one)
    atheris.Fuzz()


def attempt(fuzz: Fuzz, signal: str, body: bytes) -> None:
    try:
        fuzz.request(signal, body)
    except BaseException:
        FAILURE.write_bytes(body)
        print(f"{signal}: the request is in {FAILURE}", file=sys.stderr)
        raise


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument("--atheris", action="store_true")
    options = parser.parse_args(arguments)
    fuzz = Fuzz()
    if options.atheris:
        by_coverage(fuzz, options.seconds)
    else:
        by_chance(fuzz, options.seconds, options.seed)
    print(f"seed {options.seed}: " + ", ".join(f"{count:,} {what}" for what, count in fuzz.tried.most_common()))


if __name__ == "__main__":
    main()
