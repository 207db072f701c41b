"""OpenAI's batches: a file of requests handed in, worked off at once, and the file of their results."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from spanledger_collector.demo.draft import Refused, compact
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange
from spanledger_collector.demo.openai_chat import chat, embeddings
from spanledger_collector.demo.openai_completions import completions
from spanledger_collector.demo.openai_responses import NOT_FOUND, responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanledger_collector.demo.prose import Json

_ENDPOINTS: Final[dict[str, Callable[[Exchange], Answer]]] = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/embeddings": embeddings,
    "/v1/responses": responses,
}


def files(exchange: Exchange) -> Answer:
    """A file taken in. Raises Refused."""
    content = exchange.require("file")
    if not isinstance(content, bytes):
        raise Refused(BAD_REQUEST, "file: expected an uploaded file.", "file")
    return Answer(0, 0, _kept(exchange, content, str(exchange.body.get("purpose") or "batch")))


def content(exchange: Exchange) -> Answer:
    """What a file holds. Raises Refused."""
    found = exchange.kept.get(exchange.path["file_id"])
    if not isinstance(found, bytes):
        raise Refused(NOT_FOUND, f"No such File object: {exchange.path['file_id']}", "id")
    return Answer(0, 0, found, media="application/octet-stream")


def batches(exchange: Exchange) -> Answer:
    """A batch accepted. One whose file is here is worked off when it is asked for. Raises Refused."""
    now = int(time.time())
    asked = {name: exchange.require(name) for name in ("input_file_id", "endpoint", "completion_window")}
    body: Json = {"id": f"batch_{uuid.uuid4().hex}", "object": "batch", **asked, "status": "validating"}
    body |= {"created_at": now, "expires_at": now + 86_400, "metadata": exchange.body.get("metadata")}
    body["request_counts"] = {"total": 0, "completed": 0, "failed": 0}
    exchange.keep(body["id"], body)
    return Answer(0, 0, body)


def batch(exchange: Exchange) -> Answer:
    """A batch as it stands. Raises Refused."""
    found = exchange.kept.get(exchange.path["batch_id"])
    if not isinstance(found, dict):
        raise Refused(NOT_FOUND, f"No batch found with id '{exchange.path['batch_id']}'.", "id")
    given = exchange.kept.get(found["input_file_id"])
    if found["status"] == "validating" and isinstance(given, bytes):
        found |= _worked_off(exchange, found["endpoint"], given)
    return Answer(0, 0, found)


def _worked_off(exchange: Exchange, endpoint: str, given: bytes) -> Json:
    lines = [_line(exchange, endpoint, json.loads(line)) for line in given.splitlines() if line.strip()]
    made, failed = (
        [line for line in lines if (line["response"]["status_code"] < BAD_REQUEST) is ok] for ok in (True, False)
    )
    told: Json = {"status": "completed", "completed_at": int(time.time())}
    told["request_counts"] = {"total": len(lines), "completed": len(made), "failed": len(failed)}
    for name, some in (("output_file_id", made), ("error_file_id", failed)):
        if some:
            told[name] = _kept(exchange, b"".join(compact(line).encode() + b"\n" for line in some), "batch_output")[
                "id"
            ]
    return told


def _line(exchange: Exchange, endpoint: str, asked: Json) -> Json:
    told = {"status_code": 200, "request_id": f"req_{uuid.uuid4().hex}"}
    try:
        told["body"] = _ENDPOINTS[endpoint](replace(exchange, body=asked["body"], path={})).body
    except Refused as refused:
        told |= {"status_code": refused.status, "body": {"error": {"message": str(refused), "param": refused.param}}}
    return {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": asked["custom_id"], "response": told, "error": None}


def _kept(exchange: Exchange, content: bytes, purpose: str) -> Json:
    name = f"file-{uuid.uuid4().hex}"
    exchange.keep(name, content)
    told = {"id": name, "object": "file", "bytes": len(content), "created_at": int(time.time())}
    return {**told, "filename": f"{name}.jsonl", "purpose": purpose, "status": "processed"}
