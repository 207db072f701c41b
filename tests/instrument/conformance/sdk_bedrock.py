"""boto3 bedrock-runtime: converse and invoke_model with their streams. It is sync only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.instrument.conformance.sdk import PROMPT, Absent, Sdk
from tests.instrument.conformance.sdk_openai import PARAMETERS

if TYPE_CHECKING:
    from spanledger_collector.demo.simulator import Simulator

_MODEL: Final = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_ASK: Final[Any] = {"modelId": _MODEL, "messages": [{"role": "user", "content": [{"text": PROMPT}]}]}
_SPEC: Final[Any] = {"name": "lookup", "description": PROMPT, "inputSchema": {"json": PARAMETERS}}
_BODY: Final = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": PROMPT}],
}
_INVOKE: Final[Any] = {"modelId": _MODEL, "body": json.dumps(_BODY)}
_RAW: Final = Absent("its replies are dictionaries that hold the body", "with_raw_response")
_NO_PARSE: Final = Absent("its replies are dictionaries", "parse")


def client(provider: Simulator, asynchronous: bool, options: dict[str, Any]) -> Any:  # noqa: FBT001 - as Sdk.client says
    import boto3
    from botocore.config import Config

    timeout = {"read_timeout": options["timeout"]} if "timeout" in options else {}
    config = Config(retries={"total_max_attempts": options["max_retries"] + 1, "mode": "standard"}, **timeout)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("bedrock-runtime", endpoint_url=provider.base_urls["bedrock"], config=config, **keys)


SDKS: Final = (
    Sdk(
        "bedrock-converse",
        "botocore",
        client,
        {
            "plain": lambda c: c.converse(**_ASK),
            "stream": lambda c: c.converse_stream(**_ASK)["stream"],
            "tool call": lambda c: c.converse(**_ASK, toolConfig={"tools": [{"toolSpec": _SPEC}]}),
            "parse": _NO_PARSE,
            "raw": _RAW,
            "raw stream": _RAW,
            "streaming raw": _RAW,
            "generator": Absent("its arguments are checked to be lists", "generator"),
        },
        {"inputTokens": 176, "outputTokens": 150, "totalTokens": 1350, "cacheReadInputTokens": 1024},
        http=lambda client: client._endpoint.http_session,
        asynchronous=(False,),
    ),
)
