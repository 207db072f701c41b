"""An application whose own tracing goes to the collector, with the mistralai SDK's own spans switched on."""

import os

from mistralai.client import Mistral
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=os.environ["THEIRS"] + "/v1/traces")))
trace.set_tracer_provider(provider)
client = Mistral(api_key="test", server_url=os.environ["MISTRAL"])
ASKED = [{"role": "user", "content": "What is the canary's favourite colour?"}]

with trace.get_tracer("app").start_as_current_span("request"):
    client.chat.complete(model="mistral-large-2512", messages=ASKED)
    for _ in client.chat.stream(model="mistral-large-2512", messages=ASKED):
        pass
    client.embeddings.create(model="mistral-embed", inputs="sunny")
