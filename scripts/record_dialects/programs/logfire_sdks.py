"""Logfire over the SDKs."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import calls
import exporting
import logfire

logfire.configure(
    send_to_logfire=False, console=False, inspect_arguments=False, additional_span_processors=[exporting.processor()]
)
logfire.instrument_openai()
logfire.instrument_anthropic()
calls.openai(logfire.force_flush)
calls.responses(logfire.force_flush)
calls.anthropic(logfire.force_flush)
