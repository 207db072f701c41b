"""Bills worked out by hand, to the last digit: raw usage as the provider's API returns it, and what it must cost.

The arithmetic beside each case is how a finance person would check it against the provider's price page.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from spanledger_collector.model import Cost
from spanledger_collector.pricing import Book
from spanledger_collector.pricing.explanation import plain
from spanledger_collector.pricing.quote import quote
from spanledger_collector.pricing.raw_usage import UsageError


class Invoice(NamedTuple):
    name: str
    provider: str
    model: str
    when: str  # day or time (UTC), and the service tier where it is not the standard one
    usage: dict[str, Any]
    dollars: str | None
    arithmetic: str


def openai(prompt: int, completion: int, cached: int = 0, reasoning: int = 0, **audio: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio.get("audio_in", 0)},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": audio.get("audio_out", 0)},
    }


def anthropic(fresh: int, output: int, read: int = 0, short: int = 0, long: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": short + long,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
    }


def gemini(prompt: int, candidates: int, thoughts: int = 0, cached: int = 0) -> dict[str, Any]:
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": cached,
        "totalTokenCount": prompt + candidates + thoughts,
    }


def bedrock(fresh: int, output: int, read: int = 0, written: int = 0) -> dict[str, Any]:
    return {
        "inputTokens": fresh,
        "outputTokens": output,
        "totalTokens": fresh + output + read + written,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }


# fmt: off
INVOICES = [
    # --- OpenAI: cached input is part of the prompt, reasoning part of the completion
    Invoice("oa02 half-price cache", "openai", "gpt-4o-2024-11-20", "2025-06-01T12:00:00Z",
            openai(8000, 512, cached=6144), "0.01744",
            "1856 x 2.5/M + 6144 x 1.25/M + 512 x 10/M"),
    Invoice("oa08 tenth-price cache, reasoning inside", "openai", "gpt-5-2025-08-07", "2025-10-01T09:30:00Z",
            openai(20000, 4200, cached=18432, reasoning=3840), "0.046264",
            "1568 x 1.25/M + 18432 x 0.125/M + 4200 x 10/M"),
    Invoice("oa22 batch before the book knew it", "openai", "gpt-4o-mini-2024-07-18", "2025-06-01 batch",
            openai(10000, 1000), "0.00105",
            "10000 x 0.075/M + 1000 x 0.3/M"),
    Invoice("batch of a model the book has no batch line for", "openai", "gpt-4.5-preview", "2025-04-01 batch",
            openai(1000, 100), "0.045",
            "1000 x 75/M x 0.5 + 100 x 150/M x 0.5"),
    Invoice("batch keeps the cached rate of older models", "openai", "gpt-4.1", "2025-08-01 batch",
            openai(10000, 1000, cached=8000), "0.01",
            "2000 x 1/M + 8000 x 0.5/M + 1000 x 4/M"),
    Invoice("batch halves the cached rate of gpt-5", "openai", "gpt-5", "2025-10-01 batch",
            openai(10000, 1000, cached=8000), "0.00675",
            "2000 x 0.625/M + 8000 x 0.0625/M + 1000 x 5/M"),
    Invoice("flex before the book knew it", "openai", "gpt-5", "2025-10-01 flex",
            openai(10000, 1000), "0.01125",
            "10000 x 0.625/M + 1000 x 5/M"),
    Invoice("flex follows a price cut in proportion", "openai", "o3", "2025-05-01 flex",
            openai(1000, 100), "0.007",
            "1000 x 10/M x 0.5 + 100 x 40/M x 0.5"),
    Invoice("priority", "openai", "gpt-4.1", "2026-11-01 priority",
            openai(1000, 100, cached=200), "0.004375",
            "800 x 3.5/M + 200 x 0.875/M + 100 x 14/M"),
    Invoice("o3 before its price cut", "openai", "o3", "2025-06-09T23:59:59Z",
            openai(1000, 100, cached=400), "0.011",
            "600 x 10/M + 400 x 2.5/M + 100 x 40/M"),
    Invoice("o3 from the day of its price cut", "openai", "o3", "2025-06-10",
            openai(1000, 100, cached=400), "0.0022",
            "600 x 2/M + 400 x 0.5/M + 100 x 8/M"),
    Invoice("up to 272K input", "openai", "gpt-5.4", "2026-04-01",
            openai(272000, 1000), "0.695",
            "272000 x 2.5/M + 1000 x 15/M"),
    Invoice("beyond 272K input the whole call is dearer", "openai", "gpt-5.4", "2026-04-01",
            openai(272001, 1000), "1.382505",
            "272001 x 5/M + 1000 x 22.5/M"),
    Invoice("audio in and out", "openai", "gpt-4o-audio-preview", "2025-03-01",
            openai(1000, 500, audio_in=600, audio_out=400), "0.058",
            "400 x 2.5/M + 600 x 40/M + 100 x 10/M + 400 x 80/M"),
    Invoice("fine-tuned model", "openai", "ft:gpt-4o-mini-2024-07-18:acme::8xyz", "2025-06-01",
            openai(1000, 100), "0.00042",
            "1000 x 0.3/M + 100 x 1.2/M"),
    Invoice("embeddings", "openai", "text-embedding-3-small", "2025-06-01",
            {"prompt_tokens": 1000, "total_tokens": 1000}, "0.00002",
            "1000 x 0.02/M"),
    Invoice("responses API", "openai", "gpt-5", "2025-10-01 default",
            {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400}, "output_tokens": 100,
             "output_tokens_details": {"reasoning_tokens": 64}}, "0.0018",
            "600 x 1.25/M + 400 x 0.125/M + 100 x 10/M"),
    # --- Anthropic: cached input stands beside the input
    Invoice("an02 cache read and 5-minute write", "anthropic", "claude-sonnet-4-5-20250929", "2025-11-01",
            anthropic(120, 800, read=45000, short=2000), "0.03336",
            "120 x 3/M + 45000 x 0.3/M + 2000 x 3.75/M + 800 x 15/M"),
    Invoice("an04 one-hour write", "anthropic", "claude-sonnet-4-5-20250929", "2025-11-01",
            anthropic(50, 1200, read=10000, short=4000, long=6000), "0.07215",
            "50 x 3/M + 10000 x 0.3/M + 4000 x 3.75/M + 6000 x 6/M + 1200 x 15/M"),
    Invoice("batch halves every part", "anthropic", "claude-sonnet-4-5-20250929", "2025-11-01 batch",
            anthropic(50, 1200, read=10000, short=4000, long=6000), "0.036075",
            "half of an04"),
    Invoice("batch of a retired model", "anthropic", "claude-3-5-sonnet-20241022", "2025-01-01 batch",
            anthropic(1000, 100), "0.00225",
            "(1000 x 3/M + 100 x 15/M) x 0.5"),
    Invoice("long context counts cached input", "anthropic", "claude-sonnet-4-5", "2025-11-01",
            anthropic(1, 10, read=200000), "0.120231",
            "1 x 6/M + 200000 x 0.6/M + 10 x 22.5/M"),
    # --- Google: thoughts stand beside the candidates
    Invoice("go01 cached, thinking", "google", "gemini-2.5-pro", "2025-12-10",
            gemini(11500, 1000, thoughts=10000, cached=10000), "0.113125",
            "1500 x 1.25/M + 10000 x 0.125/M + 11000 x 10/M"),
    Invoice("go02 beyond 200K", "google", "gemini-2.5-pro", "2025-08-01",
            gemini(210000, 800, thoughts=1200), "0.555",
            "210000 x 2.5/M + 2000 x 15/M"),
    Invoice("audio input", "google", "gemini-2.5-flash", "2025-12-10",
            gemini(1000, 100) | {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 200},
                                                         {"modality": "AUDIO", "tokenCount": 800}]}, "0.00111",
            "200 x 0.3/M + 800 x 1/M + 100 x 2.5/M"),
    Invoice("batch does not discount the cache", "google", "gemini-2.5-pro", "2025-12-10 batch",
            gemini(10000, 1000, cached=8000), "0.00725",
            "2000 x 0.625/M + 8000 x 0.125/M + 1000 x 5/M"),
    Invoice("Vertex path", "gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "2025-12-10",
            gemini(1000, 100), "0.00225",
            "1000 x 1.25/M + 100 x 10/M"),
    Invoice("Claude on Vertex", "gcp.vertex_ai", "claude-sonnet-4-5@20250929", "2025-12-10",
            anthropic(1000, 100), "0.0045",
            "1000 x 3/M + 100 x 15/M"),
    # --- Bedrock: cached input stands beside the input; regions may cost extra
    Invoice("be01 US profile", "aws", "us.anthropic.claude-sonnet-4-20250514-v1:0", "2025-07-01",
            bedrock(1000, 500, read=20000, written=1500), "0.022125",
            "1000 x 3/M + 20000 x 0.3/M + 1500 x 3.75/M + 500 x 15/M"),
    Invoice("global profile", "aws.bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", "2025-12-01",
            bedrock(1000, 100), "0.0015",
            "1000 x 1/M + 100 x 5/M"),
    Invoice("regional profile, 10 % dearer", "aws.bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "2025-12-01",
            bedrock(1000, 100), "0.00165",
            "1000 x 1.1/M + 100 x 5.5/M"),
    Invoice("inference profile by its ARN", "aws.bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
            "2025-07-01", bedrock(1000, 100), "0.0045",
            "1000 x 3/M + 100 x 15/M"),
    Invoice("batch on Bedrock", "aws.bedrock", "amazon.nova-pro-v1:0", "2025-07-01 batch",
            bedrock(1000, 100), "0.00056",
            "(1000 x 0.8/M + 100 x 3.2/M) x 0.5"),
    # --- Others
    Invoice("az02 deployment prefix", "azure", "azure/gpt-4.1-2025-04-14", "2025-08-01",
            openai(3000, 200), "0.0076",
            "3000 x 2/M + 200 x 8/M"),
    Invoice("batch on Azure", "azure.ai.openai", "gpt-4.1-2025-04-14", "2025-08-01 batch",
            openai(3000, 200), "0.0038",
            "half of az02"),
    Invoice("co01 billed units, not tokens", "cohere", "command-r-plus-08-2024", "2025-06-01",
            {"billed_units": {"input_tokens": 4000, "output_tokens": 600},
             "tokens": {"input_tokens": 4710, "output_tokens": 602}},
            "0.016", "4000 x 2.5/M + 600 x 10/M"),
    Invoice("DeepSeek by day, early 2025", "deepseek", "deepseek-chat", "2025-06-01T12:00:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100,
             "prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400},
            "0.00026", "400 x 0.27/M + 600 x 0.07/M + 100 x 1.1/M"),
    Invoice("DeepSeek by night, early 2025", "deepseek", "deepseek-chat", "2025-06-01T16:30:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100,
             "prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400},
            "0.00013", "400 x 0.135/M + 600 x 0.035/M + 100 x 0.55/M"),
    Invoice("DeepSeek without night discount", "deepseek", "deepseek-chat", "2025-09-05T16:00:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000728", "1000 x 0.56/M + 100 x 1.68/M"),
    Invoice("DeepSeek V4 before peak prices began", "deepseek", "deepseek-v4-pro", "2026-07-01T02:00:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000522", "1000 x 0.435/M + 100 x 0.87/M"),
    Invoice("DeepSeek V4 before cache hits fell to a tenth", "deepseek", "deepseek-v4-flash", "2026-04-26T12:14:59Z",
            {"prompt_tokens": 1000, "completion_tokens": 100,
             "prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400},
            "0.0001008", "400 x 0.14/M + 600 x 0.028/M + 100 x 0.28/M"),
    Invoice("DeepSeek V4 after it", "deepseek", "deepseek-chat", "2026-04-26T12:15:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100,
             "prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400},
            "0.00008568", "400 x 0.14/M + 600 x 0.0028/M + 100 x 0.28/M"),
    Invoice("the last second of DeepSeek V4's flat price", "deepseek", "deepseek-v4-flash", "2026-08-16T15:59:59Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000168", "1000 x 0.14/M + 100 x 0.28/M"),
    Invoice("DeepSeek V4 off-peak", "deepseek", "deepseek-v4-flash", "2026-08-19T04:00:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000286", "1000 x 0.22/M + 100 x 0.66/M"),
    Invoice("DeepSeek V4 on peak", "deepseek", "deepseek-v4-flash", "2026-08-19T03:59:59Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000572", "1000 x 0.44/M + 100 x 1.32/M"),
    Invoice("DeepSeek V4 at its first weekend off-peak", "deepseek", "deepseek-v4-flash", "2026-08-23T03:59:59Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000286", "1000 x 0.22/M + 100 x 0.66/M"),
    Invoice("DeepSeek on a weekday's peak", "deepseek", "deepseek-flash", "2026-11-02T02:00:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.00042", "1000 x 0.3/M + 100 x 1.2/M"),
    Invoice("DeepSeek at the weekend", "deepseek", "deepseek-flash", "2026-11-01T02:00:00Z",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.00021", "1000 x 0.15/M + 100 x 0.6/M"),
    Invoice("xAI counts reasoning beside the completion", "xai", "grok-3-mini", "2025-06-01",
            {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
             "completion_tokens_details": {"reasoning_tokens": 94}}, "0.0000611", "32 x 0.3/M + 103 x 0.5/M"),
    Invoice("Groq", "groq", "llama-3.3-70b-versatile", "2025-06-01 on_demand",
            {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "queue_time": 0.01}, "0.000669",
            "1000 x 0.59/M + 100 x 0.79/M"),
    Invoice("Mistral alias before it moved", "mistral_ai", "mistral-small-latest", "2026-03-15T23:59:59Z",
            {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}, "0.00013",
            "1000 x 0.1/M + 100 x 0.3/M"),
    Invoice("Mistral alias after it moved", "mistral_ai", "mistral-small-latest", "2026-03-16",
            {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}, "0.00021",
            "1000 x 0.15/M + 100 x 0.6/M"),
    Invoice("a fee per request", "perplexity", "sonar", "2025-06-01",
            {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}, "0.0131",
            "12/1000 + 1000 x 1/M + 100 x 1/M"),
    Invoice("free by the provider's own word", "openrouter", "deepseek/deepseek-r1:free", "2025-06-01",
            openai(1000, 100), "0", "free"),
    # --- Kinds of input and output that have rates of their own
    Invoice("realtime: cached audio and images apart", "openai", "gpt-realtime", "2026-11-01",
            {"total_tokens": 1500, "input_tokens": 1000, "output_tokens": 500,
             "input_token_details": {"text_tokens": 400, "audio_tokens": 500, "image_tokens": 100, "cached_tokens": 300,
                                     "cached_tokens_details": {"text_tokens": 100, "audio_tokens": 150,
                                                               "image_tokens": 50}},
             "output_token_details": {"text_tokens": 100, "audio_tokens": 400}}, "0.039975",
            "300 x 4/M + 350 x 32/M + 50 x 5/M + 100 x 0.4/M + 150 x 0.4/M + 50 x 0.5/M + 100 x 16/M + 400 x 64/M"),
    Invoice("realtime of October 2024", "openai", "gpt-4o-realtime-preview-2024-10-01", "2024-11-01",
            {"input_tokens": 100, "output_tokens": 50,
             "input_token_details": {"text_tokens": 60, "audio_tokens": 40, "cached_tokens": 0},
             "output_token_details": {"text_tokens": 10, "audio_tokens": 40}}, "0.0125",
            "60 x 5/M + 40 x 100/M + 10 x 20/M + 40 x 200/M"),
    Invoice("images", "openai", "gpt-image-1.5", "2026-11-01",
            {"total_tokens": 1500, "input_tokens": 500, "output_tokens": 1000,
             "input_tokens_details": {"text_tokens": 100, "image_tokens": 400},
             "output_tokens_details": {"text_tokens": 0, "image_tokens": 1000}}, "0.0357",
            "100 x 5/M + 400 x 8/M + 1000 x 32/M"),
    Invoice("transcription by tokens", "openai", "gpt-4o-transcribe", "2025-06-01",
            {"type": "tokens", "input_tokens": 140, "output_tokens": 45, "total_tokens": 185,
             "input_token_details": {"text_tokens": 10, "audio_tokens": 130}}, "0.001255",
            "10 x 2.5/M + 130 x 6/M + 45 x 10/M"),
    Invoice("transcription by the second", "openai", "whisper-1", "2025-06-01",
            {"type": "duration", "seconds": 27}, "0.0027", "27 x 0.36/3600"),
    Invoice("image output counted apart", "google", "gemini-2.5-flash-image", "2025-12-01",
            gemini(1000, 1300) | {"candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 10},
                                                              {"modality": "IMAGE", "tokenCount": 1290}]},
            "0.039025", "1000 x 0.3/M + 10 x 2.5/M + 1290 x 30/M"),
    Invoice("cached audio has its own rate", "google", "gemini-2.5-flash", "2025-12-01",
            gemini(10000, 100, cached=5000) | {
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6000},
                                        {"modality": "AUDIO", "tokenCount": 4000}],
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 3000},
                                       {"modality": "AUDIO", "tokenCount": 2000}]},
            "0.00344", "3000 x 0.3/M + 2000 x 1/M + 3000 x 0.03/M + 2000 x 0.1/M + 100 x 2.5/M"),
    Invoice("Gemini by OpenAI's names hides thoughts in the total", "google", "gemini-2.5-pro", "2025-12-01",
            {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 1120}, "0.010325",
            "100 x 1.25/M + 1020 x 10/M"),
    Invoice("web searches", "anthropic", "claude-sonnet-4-5", "2025-11-01",
            anthropic(1000, 100) | {"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 2}},
            "0.0345", "1000 x 3/M + 100 x 15/M + 3 x 10/1000"),
    Invoice("a compaction is billed beside the message", "anthropic", "claude-opus-4-6", "2026-06-01",
            {"input_tokens": 1000, "output_tokens": 100,
             "iterations": [{"type": "compaction", "input_tokens": 5000, "output_tokens": 300},
                            {"type": "message", "input_tokens": 1000, "output_tokens": 100}]},
            "0.04", "6000 x 5/M + 400 x 25/M"),
    Invoice("Sonnet 4 beyond 200K", "anthropic", "claude-sonnet-4-20250514", "2025-11-01",
            anthropic(200001, 10), "1.200231", "200001 x 6/M + 10 x 22.5/M"),
    Invoice("search units", "cohere", "rerank-v3.5", "2025-06-01",
            {"billed_units": {"search_units": 3}}, "0.006", "3 x 2/1000"),
    Invoice("embeddings that count a total only", "voyage", "voyage-3-large", "2025-06-01",
            {"total_tokens": 1000}, "0.00018", "1000 x 0.18/M"),
    Invoice("pages", "mistral", "mistral-ocr-2503", "2025-06-01",
            {"pages_processed": 7, "doc_size_bytes": 1000}, "0.007", "7 x 1/1000"),
    Invoice("Llama on Bedrock by InvokeModel", "aws.bedrock", "us.meta.llama3-3-70b-instruct-v1:0", "2025-06-01",
            {"prompt_token_count": 1000, "generation_token_count": 100}, "0.000792", "1100 x 0.72/M"),
    # --- History: what held on the day of the call
    Invoice("gpt-4o before its alias moved", "openai", "gpt-4o", "2024-10-01T23:59:59Z",
            openai(1000, 100), "0.0065", "1000 x 5/M + 100 x 15/M"),
    Invoice("its snapshot was never dearer", "openai", "gpt-4o-2024-08-06", "2024-09-01",
            openai(1000, 100), "0.0035", "1000 x 2.5/M + 100 x 10/M"),
    Invoice("Gemini 1.5 Pro before its price cut", "google", "gemini-1.5-pro", "2024-09-01",
            gemini(200000, 100), "1.4021", "200000 x 7/M + 100 x 21/M"),
    Invoice("Haiku 3.5 before its price cut", "anthropic", "claude-3-5-haiku-20241022", "2024-11-15",
            anthropic(1000, 100), "0.0015", "1000 x 1/M + 100 x 5/M"),
    Invoice("DeepSeek V3 at V2's price", "deepseek", "deepseek-chat", "2025-01-15",
            {"prompt_tokens": 1000, "completion_tokens": 100}, "0.000168", "1000 x 0.14/M + 100 x 0.28/M"),
    Invoice("Flash-8B is not Flash", "google", "gemini-1.5-flash-8b", "2025-06-01",
            gemini(1000, 100), "0.0000525", "1000 x 0.0375/M + 100 x 0.15/M"),
    Invoice("live search", "xai", "grok-3", "2025-09-01",
            {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "num_sources_used": 4}, "0.1045",
            "1000 x 3/M + 100 x 15/M + 4 x 25/1000"),
    # --- Regions
    Invoice("US data zone", "azure", "azure/us/gpt-4.1-2025-04-14", "2025-08-01",
            openai(3000, 200), "0.00836", "1.1 x 3000 x 2/M + 1.1 x 200 x 8/M"),
    Invoice("processed in the US", "anthropic", "claude-opus-4-6", "2026-06-01",
            anthropic(1000, 100) | {"inference_geo": "us"}, "0.00825", "1.1 x 1000 x 5/M + 1.1 x 100 x 25/M"),
    Invoice("Claude on a regional endpoint of Vertex", "vertex_ai",
            "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929", "2025-12-10",
            anthropic(1000, 100), "0.00495", "1.1 x 1000 x 3/M + 1.1 x 100 x 15/M"),
    Invoice("Gemini on a regional endpoint of Vertex", "vertex_ai",
            "projects/p/locations/europe-west4/publishers/google/models/gemini-3.5-flash", "2026-11-10",
            gemini(1000, 100), "0.00264", "1.1 x 1000 x 1.5/M + 1.1 x 100 x 9/M"),
    # --- The usage object tells the tier
    Invoice("batch by its usage", "anthropic", "claude-sonnet-4-5", "2025-11-01",
            anthropic(1000, 100) | {"service_tier": "batch"}, "0.00225", "0.5 x 1000 x 3/M + 0.5 x 100 x 15/M"),
    Invoice("provisioned throughput has no price per token", "google", "gemini-2.5-pro", "2025-12-10",
            gemini(1000, 100) | {"trafficType": "PROVISIONED_THROUGHPUT"}, None, "no price for the tier"),
    # --- Unknown is null, never 0 and never a guess
    Invoice("a price that changed on a day nobody told", "azure", "o1-mini", "2025-03-01",
            openai(1000, 100), None, "not known"),
    Invoice("before the price of long prompts followed", "google", "gemini-1.5-pro", "2024-11-01",
            gemini(200000, 100), None, "128K only"),
    Invoice("two lists that contradict one another", "cohere", "rerank-english-v2.0", "2024-11-01",
            {"billed_units": {"search_units": 3}}, None, "no price"),
    Invoice("a region with prices of its own", "aws.bedrock", "eu.amazon.nova-lite-v1:0", "2025-06-01",
            bedrock(1000, 100), None, "region"),
    Invoice("an alias that moved", "mistral", "mistral-large-latest", "2026-02-01",
            openai(1000, 100), None, "no price"),
    Invoice("a word that the book's loose match leaves over", "google", "gemini-2.5-pro-ultra", "2026-02-01",
            gemini(1000, 100), None, "no price"),
    Invoice("cached audio that nobody told apart", "google", "gemini-2.5-flash", "2025-12-01",
            gemini(10000, 100, cached=5000) | {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6000},
                                                                       {"modality": "AUDIO", "tokenCount": 4000}]},
            None, "cacheTokensDetails"),
    Invoice("server-side tools", "xai", "grok-4.3", "2026-10-20",
            openai(1000, 100) | {"num_server_side_tools_used": 2}, None, "tools"),
    Invoice("thinking of a preview", "google", "gemini-2.5-flash-preview-05-20", "2025-05-25",
            gemini(1000, 100, thoughts=50), None, "reasoning"),
    Invoice("un unknown model", "openai", "gpt-99-unknown", "2026-11-01",
            openai(1000, 100), None, "no price"),
    Invoice("a snapshot the book does not list", "openai", "gpt-4.1-2026-09-09", "2026-11-01",
            openai(1000, 100), None, "no price"),
    Invoice("a fine-tune the book does not list", "openai", "ft:gpt-4.1-2025-04-14:acme::1", "2026-11-01",
            openai(1000, 100), None, "no price"),
    Invoice("unknown provider", "acme-llm", "gpt-4.1", "2026-11-01",
            openai(1000, 100), None, "no price list"),
    Invoice("a tier sold by contract", "anthropic", "claude-sonnet-4-5", "2025-11-01 priority",
            anthropic(1000, 100), None, "no price for the tier"),
    Invoice("batch before there was batch", "openai", "gpt-4-turbo", "2024-04-14 batch",
            openai(1000, 100), None, "no price for the tier"),
    Invoice("billed by the hour", "openai", "whisper-1", "2025-06-01",
            openai(1000, 100), None, "audio_hours"),
    Invoice("listed without a rate", "cerebras", "qwen-3-coder-480b", "2025-06-01",
            openai(1000, 100), None, "without any rate"),
    Invoice("image output among text", "google", "gemini-2.5-flash-image", "2025-12-01",
            gemini(1000, 1290), None, "image output"),
    Invoice("one-hour write without a rate", "aws.bedrock", "anthropic.claude-3-7-sonnet-20250219-v1:0", "2025-06-01",
            bedrock(10, 10, written=100) | {"cacheDetails": [{"ttl": "1h", "inputTokens": 100}]},
            None, "cache write 1h"),
]
# fmt: on


@pytest.fixture(scope="module")
def book() -> Book:
    return Book()


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: invoice.name)
def test_the_bill_is_exact(book: Book, invoice: Invoice):
    at, _, tier = invoice.when.partition(" ")
    record = {
        "provider": invoice.provider,
        "model": invoice.model,
        "timestamp": at,
        "service_tier": tier,
        "usage": invoice.usage,
    }
    try:
        cost = quote(book, record).cost
    except UsageError as error:
        cost = Cost(total=None, reason=str(error))
    assert (None if cost.total is None else plain(cost.total)) == invoice.dollars, cost
    assert cost.grade == ("unknown" if invoice.dollars is None else "measured")
    assert bool(cost.reason) == (invoice.dollars is None)


SUMS = [invoice for invoice in INVOICES if invoice.dollars and invoice.arithmetic[0] in "(0123456789"]


@pytest.mark.parametrize("invoice", SUMS, ids=lambda invoice: invoice.name)
def test_the_arithmetic_beside_a_bill_is_right(invoice: Invoice):
    terms = re.sub(r"\d+(\.\d+)?", r"Fraction('\g<0>')", invoice.arithmetic.replace(" x ", " * "))
    assert eval(terms.replace("M", "1000000"), {"Fraction": Fraction}) == Fraction(invoice.dollars or 0)
