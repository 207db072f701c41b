"""Claude Code, asked once a scenario; its events tell of the requests it makes."""

import os
import subprocess
from pathlib import Path

import stage

home = Path(os.environ["HOME"])
settings = {
    "ANTHROPIC_BASE_URL": stage.URL,
    "ANTHROPIC_API_KEY": "simulated",
    "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_ENDPOINT": stage.URL,
    "OTEL_LOGS_EXPORT_INTERVAL": "200",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CONFIG_DIR": str(home / "claude"),
}
command = [
    str(home / "node_modules" / ".bin" / "claude"),
    "--print",
    "--model",
    "claude-sonnet-4-5",
    "--max-turns",
    "1",
]
traces = {"CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1", "OTEL_TRACES_EXPORTER": "otlp"}
for name in ("plain", "cached", "reasoning", "refused", "traced"):
    scenario = "cached" if name == "traced" else name
    with stage.scene("anthropic", f"anthropic_{name}", lambda: None, scenario, replies=9):
        subprocess.run(
            [*command, "How is the weather in Lisbon?"],
            env={**os.environ, **settings, **(traces if name == "traced" else {})},
            cwd=home, stdin=subprocess.DEVNULL, timeout=90, check=False,
        )  # fmt: skip
