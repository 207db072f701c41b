"""OpenLIT over the SDKs."""

import os

import stage

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import calls
import openlit
from opentelemetry import _logs, trace

openlit.init(otlp_endpoint=stage.URL, disable_batch=False, disable_metrics=True)


def flush() -> None:
    trace.get_tracer_provider().force_flush()
    _logs.get_logger_provider().force_flush()


calls.openai(flush)
calls.responses(flush)
calls.anthropic(flush)
