"""Google's Gemini API and Vertex AI on loopback. Base URLs: ``{url}/gemini`` and ``{url}/vertex``.

Both take ``HttpOptions(base_url=...)``; anthropic's Vertex client takes ``{url}/vertex/v1``. The name of an explicit
cache holds its size, so that nothing is remembered.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spanledger_collector.demo import anthropic_api
from spanledger_collector.demo.cache_rules import GEMINI, automatic_rule
from spanledger_collector.demo.draft import Draft, Refused, Wish, compact, compose
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange, event, tokens
from spanledger_collector.demo.openai_prompt import ANY_JSON, content_text
from spanledger_collector.demo.prefix_cache import count
from spanledger_collector.demo.prose import Json, vector
from spanledger_collector.demo.provider_api import Fault, ProviderApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanledger_collector.demo.faults import Allowance

ERRORS_OF_SERVER = 500
EXHAUSTED = 429
IMAGE_TOKENS = 258
DIMENSIONS = 3072
THINKING = ("gemini-2.5-", "gemini-3")
# status -> (name, message)
ERRORS: dict[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "API key not valid. Please pass a valid API key."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "The model is not found for this API version, or is not supported for generateContent."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred. Please retry or report it."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}


def generate(exchange: Exchange) -> Answer:
    """A generateContent reply. Raises Refused."""
    draft, usage = _drafted(exchange)
    choices = range(int(_config(exchange.body).get("candidateCount") or 1))
    candidates = [_candidate(_parts(draft, draft.text), _finish(draft), index) for index in choices]
    return Answer(*_sizes(usage), {"candidates": candidates, "usageMetadata": usage, **_frame(exchange)})


def stream(exchange: Exchange) -> Answer:
    """The same as server-sent events; usage stands on every chunk and only the last is whole. Raises Refused."""
    draft, usage = _drafted(exchange)
    frame = _frame(exchange)
    last = {"candidates": [_candidate([{"text": ""}], _finish(draft))], "usageMetadata": usage, **frame}
    pieces = list(_chunks(draft, usage if exchange.plan.usage is None else None, frame))
    return Answer(*_sizes(usage), pieces=pieces, tail=[event(last)])


def _chunks(draft: Draft, usage: Json | None, frame: Json) -> Iterator[str]:
    sent = 0
    for piece in [draft.text] if draft.tool else draft.pieces:
        sent += count(piece)
        chunk = {"candidates": [_candidate(_parts(draft, piece))], **frame}
        if usage is not None:
            so_far = {"promptTokenCount": usage["promptTokenCount"], "candidatesTokenCount": sent}
            chunk["usageMetadata"] = {**so_far, "totalTokenCount": sum(so_far.values())}
        yield event(chunk)


def _config(body: Json) -> Json:
    return body.get("generationConfig") or {}


def _contents(body: Json) -> list[Json]:
    """The conversation as turns of parts, the system instruction first."""
    system = body.get("systemInstruction")
    given = body.get("contents")
    turns = given if isinstance(given, list) else [given] if given else []
    return [{"role": "system", **system}, *turns] if system else turns


def _prompt(body: Json) -> str:
    head = [compact(tool) for tool in body.get("tools") or []]
    schema = _schema(body)
    head += [compact(schema)] if schema else []
    turns = [f"{turn.get('role', 'user')}\n{content_text(turn.get('parts'))}\n" for turn in _contents(body)]
    return "\n".join(head) + "".join(turns)


def _drafted(exchange: Exchange) -> tuple[Draft, Json]:
    body = exchange.body
    exchange.require("contents")
    config, prompt = _config(body), _prompt(body)
    thinks = exchange.model.startswith(THINKING) and (config.get("thinkingConfig") or {}).get("thinkingBudget") != 0
    wish = Wish(prompt, _schema(body), _tool(body), config.get("maxOutputTokens"), thinks)
    draft = compose(wish, exchange.plan)
    return draft, exchange.usage(_usage(exchange, prompt, draft, int(config.get("candidateCount") or 1)))


def _schema(body: Json) -> Json | None:
    config = _config(body)
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema:
        lowered: Json = _lowered(schema)
        return lowered
    return ANY_JSON if config.get("responseMimeType") == "application/json" else None


def _lowered(schema: Any) -> Any:
    """Google's own schemas write their types in capitals."""
    if isinstance(schema, list):
        return [_lowered(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: v.lower() if k == "type" and isinstance(v, str) else _lowered(v) for k, v in schema.items()}


def _tool(body: Json) -> tuple[str, Json] | None:
    """The allowed function, unless the conversation already ends with a function's answer."""
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    named = [each for tool in body.get("tools") or [] for each in tool.get("functionDeclarations") or []]
    allowed = calling.get("allowedFunctionNames")
    named = [each for each in named if not allowed or each.get("name") in allowed]
    last = _contents(body)[-1].get("parts") or []
    answered = any("functionResponse" in part for part in last)
    mode = calling.get("mode") or "AUTO"
    if not named or mode == "NONE" or (answered and mode != "ANY"):
        return None
    given = (named[0].get(name) for name in ("parametersJsonSchema", "parameters_json_schema", "parameters"))
    schema = next((each for each in given if each), {"type": "object", "properties": {}})
    return str(named[0].get("name", "")), _lowered(schema)


def _usage(exchange: Exchange, prompt: str, draft: Draft, candidates: int) -> Json:
    """Thoughts stand beside the candidates, cached tokens inside the prompt; a count of zero is left out."""
    sizes = _prompt_sizes(exchange.body, prompt)
    cached = _explicitly_cached(exchange.body)
    sizes["TEXT"] += cached
    rule = automatic_rule(exchange.model, exchange.day, GEMINI)
    if rule and not cached:
        cached = exchange.cache.automatic(exchange.scope, prompt, rule).read
    prompted, told = sum(sizes.values()), count(draft.text) * candidates
    usage: Json = {
        "promptTokenCount": prompted,
        "candidatesTokenCount": told,
        "totalTokenCount": prompted + told + draft.reasoning_tokens,
        "promptTokensDetails": _details(sizes),
    }
    if draft.reasoning_tokens:
        usage["thoughtsTokenCount"] = draft.reasoning_tokens
    if cached:
        usage |= {"cachedContentTokenCount": cached, "cacheTokensDetails": _details({"TEXT": cached})}
    if exchange.path.get("parent", "").startswith("projects/"):
        usage["trafficType"] = "ON_DEMAND"
    return usage


def _prompt_sizes(body: Json, prompt: str) -> dict[str, int]:
    parts = [part for turn in _contents(body) for part in turn.get("parts") or []]
    images = sum("inlineData" in part or "fileData" in part for part in parts)
    return {"TEXT": max(1, count(prompt)), "IMAGE": images * IMAGE_TOKENS}


def _details(sizes: dict[str, int]) -> list[Json]:
    return [{"modality": kind, "tokenCount": size} for kind, size in sizes.items() if size]


def _sizes(usage: Json) -> tuple[int, int]:
    return tokens(usage, "promptTokenCount"), tokens(usage, "candidatesTokenCount", "thoughtsTokenCount")


def _frame(exchange: Exchange) -> Json:
    return {"modelVersion": exchange.model, "responseId": uuid.uuid4().hex[:22]}


def _finish(draft: Draft) -> str:
    return "MAX_TOKENS" if draft.truncated else "STOP"


def _parts(draft: Draft, text: str) -> list[Json]:
    return [{"functionCall": {"name": draft.tool, "args": draft.arguments}}] if draft.tool else [{"text": text}]


def _candidate(parts: list[Json], finish: str = "", index: int = 0) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": index}
    return {**candidate, "finishReason": finish} if finish else candidate


def count_tokens(exchange: Exchange) -> Answer:
    """The size of a prompt, free of charge."""
    body = exchange.body.get("generateContentRequest") or exchange.body
    sizes = _prompt_sizes(body, _prompt(body))
    return Answer(0, 0, {"totalTokens": sum(sizes.values()), "promptTokensDetails": _details(sizes)})


def embed(exchange: Exchange) -> Answer:
    """One vector; the newer models tell usage. Raises Refused."""
    config = exchange.body.get("embedContentConfig") or exchange.body
    text = content_text((exchange.require("content") or {}).get("parts"))
    body = {"embedding": {"values": vector(text, int(config.get("outputDimensionality") or DIMENSIONS))}}
    return _embedded(exchange, [text], body)


def batch_embed(exchange: Exchange) -> Answer:
    """Vectors of several texts in one request. Raises Refused."""
    asked = exchange.require("requests")
    texts = [content_text((each.get("content") or {}).get("parts")) for each in asked]
    sizes = [int(each.get("outputDimensionality") or DIMENSIONS) for each in asked]
    vectors = [{"values": vector(text, size)} for text, size in zip(texts, sizes, strict=True)]
    return _embedded(exchange, texts, {"embeddings": vectors})


def _embedded(exchange: Exchange, texts: list[str], body: Json) -> Answer:
    size = sum(max(1, count(text)) for text in texts)
    tells = exchange.plan.usage is not None or not exchange.model.endswith("embedding-001")
    usage = exchange.usage({"promptTokenCount": size, "promptTokensDetails": _details({"TEXT": size})})
    return Answer(tokens(usage, "promptTokenCount"), 0, {**body, "usageMetadata": usage} if tells else body)


def predict(exchange: Exchange) -> Answer:
    """Vertex's older embedding models: usage as statistics of each text. Raises Refused."""
    texts = [str(each.get("content", "")) for each in exchange.require("instances")]
    size = int((exchange.body.get("parameters") or {}).get("outputDimensionality") or 768)
    counts = [exchange.usage({"truncated": False, "token_count": max(1, count(text))}) for text in texts]
    found = [
        {"embeddings": {"values": vector(text, size), "statistics": usage}}
        for text, usage in zip(texts, counts, strict=True)
    ]
    total = sum(tokens(usage, "token_count") for usage in counts)
    return Answer(total, 0, {"predictions": found, "metadata": {"billableCharacterCount": sum(map(len, texts))}})


def create_cache(exchange: Exchange) -> Answer:
    """An explicit cache to name in later requests. Raises Refused."""
    size = max(1, count(_prompt(exchange.body)))
    life_s = float(str(exchange.body.get("ttl") or "3600s").removesuffix("s"))
    now, end = _time(0), _time(life_s)
    name = f"{exchange.path.get('parent', '')}/cachedContents/{size}-{uuid.uuid4().hex[:12]}".lstrip("/")
    body = {"name": name, "model": exchange.require("model"), "createTime": now, "updateTime": now, "expireTime": end}
    return Answer(size, 0, {**body, "usageMetadata": {"totalTokenCount": size}})


def _time(ahead_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead_s))


def _explicitly_cached(body: Json) -> int:
    name = str(body.get("cachedContent") or "")
    size = name.rpartition("/")[2].partition("-")[0]
    if name and not size.isdigit():
        raise Refused(BAD_REQUEST, f"CachedContent not found: {name}", "cachedContent")
    return int(size or 0)


def _fault(fault: Fault) -> Json:
    name, text = ERRORS.get(fault.status, ERRORS[500 if fault.status >= ERRORS_OF_SERVER else 400])
    error: Json = {"code": fault.status, "message": fault.message or text, "status": name}
    if fault.status == EXHAUSTED:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]
    return {"error": error}


def _broken_stream(_: str) -> str:
    return event(_fault(Fault(503)))


def _headers(_: Allowance, __: str) -> dict[str, str]:
    return {"server-timing": "gfet4t7; dur=1", "x-content-type-options": "nosniff"}


def _methods(resource: str) -> dict[str, Any]:
    methods = {
        "generateContent": generate,
        "streamGenerateContent": stream,
        "countTokens": count_tokens,
        "embedContent": embed,
        "batchEmbedContents": batch_embed,
        "predict": predict,
    }
    return {f"{resource}:{method}": answer for method, answer in methods.items()}


API = ProviderApi(
    name="gemini",
    mount="/gemini",
    endpoints={**_methods("/{version}/{parent:path}/{model}"), "/{version}/cachedContents": create_cache},
    fault=_fault,
    broken_stream=_broken_stream,
    headers=_headers,
    retry_after=False,
)
VERTEX = replace(
    API,
    name="vertex",
    mount="/vertex",
    endpoints={
        **_methods("/{version}/{parent:path}/{model}"),
        "/{version}/{parent:path}/cachedContents": create_cache,
        "/{version}/{parent:path}/{model}:rawPredict": anthropic_api.messages,
        "/{version}/{parent:path}/{model}:streamRawPredict": anthropic_api.messages,
    },
)
