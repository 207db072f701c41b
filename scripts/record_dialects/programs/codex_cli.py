"""Codex CLI, asked once a scenario; its events tell of the requests it makes."""

import os
import subprocess
from pathlib import Path

import stage

home = Path(os.environ["HOME"])
folder = home / "codex"
folder.mkdir(exist_ok=True)
(folder / "config.toml").write_text(f"""
model = "gpt-5-mini"
model_provider = "simulated"

[model_providers.simulated]
name = "simulated"
base_url = "{stage.URL}/v1"
env_key = "SIMULATED_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[otel]
environment = "test"
exporter = {{ otlp-http = {{ endpoint = "{stage.URL}/v1/logs", protocol = "binary" }} }}
""")
command = [str(home / "node_modules" / ".bin" / "codex"), "exec", "--skip-git-repo-check"]
for name in ("plain", "cached", "reasoning", "refused"):
    with stage.scene("openai-responses", f"responses_{name}", lambda: None, name, replies=9):
        subprocess.run(
            [*command, "How is the weather in Lisbon?"],
            env={**os.environ, "CODEX_HOME": str(folder), "SIMULATED_KEY": "simulated"},
            cwd=home, stdin=subprocess.DEVNULL, timeout=90, check=False,
        )  # fmt: skip
