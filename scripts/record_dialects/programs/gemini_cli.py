"""Gemini CLI, asked once a scenario; its events tell of the requests it makes."""

import json
import os
import subprocess
from pathlib import Path

import stage

home = Path(os.environ["HOME"])
(home / ".gemini").mkdir(exist_ok=True)
telemetry = {"enabled": True, "target": "local", "otlpEndpoint": stage.URL, "otlpProtocol": "http", "logPrompts": False}
settings = {
    "telemetry": telemetry,
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False, "maxAttempts": 1},
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
}
(home / ".gemini" / "settings.json").write_text(json.dumps(settings))
command = [str(home / "node_modules" / ".bin" / "gemini"), "--model", "gemini-2.5-flash", "--prompt"]
access = {"GEMINI_API_KEY": "simulated", "GOOGLE_GEMINI_BASE_URL": f"{stage.URL}/gemini"}
for name in ("plain", "cached", "reasoning", "refused"):
    with stage.scene("gemini", f"gemini_{name}", lambda: None, name, replies=9):
        subprocess.run(
            [*command, "How is the weather in Lisbon?"],
            env={**os.environ, **access}, cwd=home, stdin=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
