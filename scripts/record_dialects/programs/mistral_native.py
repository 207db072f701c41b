"""The mistralai SDK's own spans."""

import os
from typing import Any

os.environ["MISTRAL_SDK_TELEMETRY"] = "global"

import calls
import exporting
import stage
from mistralai.client import Mistral

provider = exporting.install()
client = Mistral(api_key="simulated", server_url=f"{stage.URL}/mistral")
for name in ("plain", "streamed", "tool", "refused"):
    with stage.scene("mistral", f"mistral_{name}", provider.force_flush, name):
        asked: dict[str, Any] = {"model": "mistral-large-2512", "messages": calls.ASK}
        if name == "tool":
            asked["tools"] = calls.OPENAI_TOOLS
        if name == "streamed":
            list(client.chat.stream(**asked))
        else:
            client.chat.complete(**asked)
with stage.scene("mistral-embeddings", "mistral_embeddings", provider.force_flush, "embeddings"):
    client.embeddings.create(model="mistral-embed", inputs="sunny")
