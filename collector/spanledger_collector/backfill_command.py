"""`spanledger collect backfill`: what an OpenTelemetry Collector wrote to ClickHouse, sent to a collector as OTLP.

The table is read in place and not changed. Spans sent twice are counted once, so a back-fill may be run again.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from spanledger_collector import otel_traces
from spanledger_collector.backend import Backend
from spanledger_collector.store.clients import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRIES: Final = 10
FAILED: Final = 1


def main(argv: Sequence[str]) -> int:
    """Send the spans of an `otel_traces` table to a running collector."""
    parser = argparse.ArgumentParser("spanledger collect backfill", description=main.__doc__)
    parser.add_argument("--source", required=True, metavar="URL", help="http(s)://user:password@host:8443/database")
    parser.add_argument("--table", default=otel_traces.TABLE, help=f"(default: {otel_traces.TABLE})")
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", metavar="URL", help="the collector's OTLP/HTTP")
    parser.add_argument(
        "--since", type=_moment, default=0, metavar="TIME", help="only spans that began then or later, UTC"
    )
    options = parser.parse_args(argv)
    if not otel_traces.NAME.fullmatch(options.table):
        parser.error(f"--table {options.table!r} is no table: use NAME or DATABASE.NAME")
    token = os.environ.get("SPANLEDGER_TOKEN", "")
    headers = [("authorization", f"Bearer {token}")] if token else []
    backend, sent = Backend(options.endpoint, headers), 0
    with closing(connect(options.source)) as client:
        for _, request in otel_traces.Table(client, options.table).requests(options.since):
            if refusal := _send(backend, request):
                parser.exit(
                    FAILED, f"spanledger: stopped after {sent} spans, {options.endpoint} {refusal}: run it again\n"
                )
            sent += sum(len(each.scope_spans[0].spans) for each in request.resource_spans)
    print(f"{sent} spans of {options.table} sent to {options.endpoint}")  # noqa: T201 - the command's own voice
    return 0


def _moment(text: str) -> int:
    """UTC nanoseconds of an ISO date or time."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def _send(backend: Backend, request: ExportTraceServiceRequest) -> str:
    """Empty, or why it did not work."""
    body = request.SerializeToString()
    for attempt in range(TRIES):
        answer = backend.post(body, "traces")
        if answer.outcome == "accepted":
            return ""
        if answer.outcome == "refused":
            return answer.message
        time.sleep(max(answer.retry_after_s, 0.1 * 2**attempt))
    return f"is {answer.outcome} {answer.message}"
