"""The SDKs whose own tests are run. One more SDK or version is one more row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Suite:
    """One SDK version. Of `tests/api_resources`, made for a mock of the whole API, `resources` are run."""

    package: str
    version: str
    extras: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    tests: str = "tests"  # folder of the source distribution
    left_out: dict[str, str] = field(default_factory=dict)  # glob below that folder -> reason
    deselected: dict[str, str] = field(default_factory=dict)  # start of a test's id -> reason
    requirements: tuple[str, ...] = ()  # beyond the SDK's own list
    arguments: tuple[str, ...] = ("-n0",)  # instrumentation does not reach the workers of pytest-xdist
    bounded: tuple[str, ...] = ()  # what is run of it in half a minute: paths below that folder
    traced: bool = False  # the SDK has spans of its own: once more within an application that has a tracer provider

    @property
    def name(self) -> str:
        return f"{self.package}-{self.version}"

    @property
    def distribution(self) -> str:
        """What its source distribution, and the folder in it, are called."""
        return f"{self.package.replace('-', '_')}-{self.version}"


_OPENAI_RESOURCES: Final = (
    "api_resources/chat/test_completions.py",
    "api_resources/test_responses.py",
    "api_resources/beta/test_responses.py",
    "api_resources/test_embeddings.py",
)
_ANTHROPIC_RESOURCES: Final = ("api_resources/test_messages.py", "api_resources/beta/test_messages.py")
_GROQ_RESOURCES: Final = ("api_resources/chat/test_completions.py", "api_resources/test_embeddings.py")
_NO_CALL: Final = "makes no billed call"
SUITES: Final = (
    Suite("openai", "2.54.0", ("aiohttp", "httpx2", "datalib", "realtime", "bedrock"), _OPENAI_RESOURCES),
    Suite(
        "openai",
        "3.54.0",
        ("aiohttp", "datalib", "realtime", "bedrock", "vertex"),
        _OPENAI_RESOURCES,
        left_out={
            "test_uv_workflows.py": "tests the SDK's own build scripts",
            "test_x509*.py": _NO_CALL,
            "test_mtls*.py": _NO_CALL,
            "lib/test_browser*.py": _NO_CALL,
            "lib/test_computer.py": _NO_CALL,
            "**/test_*websocket*.py": "WebSocket sessions are not recorded yet",
            "lib/live/*.py": "WebSocket sessions are not recorded yet",
            "lib/test_*realtime*.py": "WebSocket sessions are not recorded yet",
            "lib/streaming/agents/*.py": _NO_CALL,
        },
        bounded=("test_streaming.py", "test_legacy_response.py", "lib/chat/test_completions.py"),
    ),
    Suite("anthropic", "0.125.0", ("aiohttp", "bedrock", "vertex"), _ANTHROPIC_RESOURCES),
    Suite(
        "anthropic",
        "2.12.0",
        ("aiohttp", "bedrock", "vertex"),
        _ANTHROPIC_RESOURCES,
        deselected={
            "tests/test_open_telemetry.py::TestTracingFailures::test_disabled_spans_call_nothing_of_opentelemetry": (
                "replaces OpenTelemetry's own functions by ones that fail, for the whole process: nothing can be "
                "recorded then, and nothing is"
            )
        },
        traced=True,
    ),
    Suite(
        "groq",
        "1.7.0",
        ("aiohttp",),
        _GROQ_RESOURCES,
        bounded=("test_streaming.py", "test_response.py", "api_resources/chat/test_completions.py"),
    ),
    Suite("groq", "0.37.1", ("aiohttp",), _GROQ_RESOURCES),
    Suite(
        "ollama",
        "0.6.3",
        requirements=("pytest", "pytest-asyncio", "pytest-httpserver", "anyio", "pillow"),
        arguments=(),
        bounded=("test_client.py",),
    ),
    Suite(
        "mistralai",
        "3.7.0",
        tests="src/mistralai/extra/tests",
        left_out={"voice_agents/*.py": "needs a sound card's library", "test_workflow_*.py": "needs clouds' SDKs"},
        arguments=("--import-mode=importlib",),
    ),
)
