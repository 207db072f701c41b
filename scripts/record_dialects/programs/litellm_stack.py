"""litellm with its own OpenTelemetry callback, alone and over the openai SDK watched by OpenInference."""

import os

import stage

os.environ["OTEL_EXPORTER"] = "otlp_http"
os.environ["OTEL_ENDPOINT"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = stage.URL
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import time

import calls
import exporting
import litellm
from opentelemetry import trace
from openinference.instrumentation.openai import OpenAIInstrumentor

exporting.install()
litellm.callbacks = ["otel"]


def flush() -> None:
    """litellm tells of a call from a thread of its own, a moment later."""
    time.sleep(1)
    trace.get_tracer_provider().force_flush()


def play(prefix: str) -> None:
    for name in ("plain", "cached", "streamed", "reasoning", "refused"):
        with stage.scene("openai", f"{prefix}_{name}", flush, name):
            asked = {"model": f"openai/{calls.openai_model(name)}", "messages": calls.ASK}
            asked |= {"api_base": f"{stage.URL}/v1", "api_key": "simulated", "max_retries": 0}
            if name == "streamed":
                list(litellm.completion(**asked, stream=True, stream_options={"include_usage": True}))
            else:
                litellm.completion(**asked)


play("openai")
OpenAIInstrumentor().instrument()
play("over_openai")
