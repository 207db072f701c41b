"""OTLP metric requests: counted and passed on, never read further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from spanledger_collector import otlp
from spanledger_collector.otlp import Checked

if TYPE_CHECKING:
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric


def check(body: bytes, received_ns: int = 0) -> Checked:
    """How many data points a request holds: none is judged. Raises Unreadable."""
    del received_ns
    request = otlp.parse(ExportMetricsServiceRequest, body)
    scopes = (scope for of_resource in request.resource_metrics for scope in of_resource.scope_metrics)
    return Checked(sum(_points(metric) for scope in scopes for metric in scope.metrics), {})


def _points(metric: Metric) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0
