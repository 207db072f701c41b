"""OpenAI's images, speech and transcriptions: small but valid pictures and silence, counted as the provider counts."""

from __future__ import annotations

import base64
import io
import struct
import time
import wave
import zlib
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from spanledger_collector.demo.draft import Draft, Refused, Wish, compose
from spanledger_collector.demo.exchange import BAD_REQUEST, Answer, Exchange, event, tokens
from spanledger_collector.demo.prefix_cache import count

if TYPE_CHECKING:
    from spanledger_collector.demo.prose import Json

IMAGE_TOKENS = {"low": 272, "medium": 1056, "high": 4160}  # of a square picture
PICTURE_URL = "https://example.com/picture.png"  # where an older model says it is; nothing is there
AUDIO_TOKENS_PER_S = 10
BYTES_PER_S = 16_000  # of compressed sound
CHARS_PER_S = 15
SILENT_MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
FRAMES_PER_S = 38
PLAIN_FORMATS = ("text", "srt", "vtt")
INPUT, OUTPUT = "input_tokens", "output_tokens"


def images(exchange: Exchange) -> Answer:
    """Pictures; the models that count tokens tell usage and may stream. Raises Refused."""
    return _pictures(exchange, str(exchange.require("prompt")), "image_generation", 0)


def image_edits(exchange: Exchange) -> Answer:
    """Pictures made of pictures, these counted beside the text. Raises Refused."""
    return _pictures(exchange, str(exchange.require("prompt")), "image_edit", IMAGE_TOKENS["low"])


def image_variations(exchange: Exchange) -> Answer:
    """Pictures like another; only the oldest model makes them, and it counts nothing. Raises Refused."""
    exchange.require("image")
    asked = replace(exchange, body={"model": "dall-e-2", **exchange.body})
    return _pictures(asked, "a variation", "image_generation", 0)


def _pictures(exchange: Exchange, prompt: str, kind: str, shown: int) -> Answer:
    body = exchange.body
    wanted = int(body.get("n") or 1)
    quality = body.get("quality") if body.get("quality") in IMAGE_TOKENS else "high"
    size = count(prompt) + shown
    made = IMAGE_TOKENS[str(quality)] * wanted
    details = {"text_tokens": size - shown, "image_tokens": shown}
    usage = exchange.usage({INPUT: size, "input_tokens_details": details, OUTPUT: made, "total_tokens": size + made})
    sizes = tokens(usage, INPUT), tokens(usage, OUTPUT)
    picture = base64.b64encode(_png(prompt)).decode()
    frame = {"background": "opaque", "output_format": "png", "quality": quality, "size": "1024x1024"}
    if exchange.streamed:
        partial = int(body.get("partial_images") or 0)
        return _image_events(kind, [picture] * partial, {**frame, "b64_json": picture}, usage, sizes)
    if exchange.model.startswith("dall-e"):
        told = {"b64_json": picture} if body.get("response_format") == "b64_json" else {"url": PICTURE_URL}
        return Answer(0, 0, {"created": int(time.time()), "data": [told] * wanted})
    return Answer(
        *sizes, {"created": int(time.time()), "data": [{"b64_json": picture}] * wanted, **frame, "usage": usage}
    )


def _image_events(kind: str, partial: list[str], frame: Json, usage: Json, sizes: tuple[int, int]) -> Answer:
    frame = {**frame, "created_at": int(time.time())}
    name = f"{kind}.partial_image"
    pieces = [
        event({"type": name, "partial_image_index": index, **frame, "b64_json": picture}, name)
        for index, picture in enumerate(partial)
    ]
    name = f"{kind}.completed"
    return Answer(*sizes, pieces=pieces, tail=[event({"type": name, **frame, "usage": usage}, name)])


def _png(seed: str) -> bytes:
    """One pixel, coloured by the prompt."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixel = b"\0" + blake2b(seed.encode(), digest_size=3).digest()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixel)) + chunk(b"IEND", b"")


def speech(exchange: Exchange) -> Answer:
    """Silence as long as the text takes to say; only server-sent events tell usage. Raises Refused."""
    text = str(exchange.require("input"))
    seconds = max(1, len(text) // CHARS_PER_S)
    made = seconds * AUDIO_TOKENS_PER_S * 2
    usage = exchange.usage({INPUT: count(text), OUTPUT: made, "total_tokens": count(text) + made})
    sizes = tokens(usage, INPUT), tokens(usage, OUTPUT)
    number = seconds if exchange.plan.chunks is None else exchange.plan.chunks
    sound = SILENT_MP3_FRAME * FRAMES_PER_S
    if exchange.body.get("stream_format") != "sse":
        return Answer(*sizes, pieces=[sound] * number, media="audio/mpeg")
    audio = base64.b64encode(sound).decode()
    pieces = [event({"type": "speech.audio.delta", "audio": audio}) for _ in range(number)]
    return Answer(*sizes, pieces=pieces, tail=[event({"type": "speech.audio.done", "usage": usage})])


def transcribe(exchange: Exchange) -> Answer:
    """What is said in a file: usage by duration for whisper, by token for the others. Raises Refused."""
    file, body = exchange.require("file"), exchange.body
    if not isinstance(file, bytes):
        raise Refused(BAD_REQUEST, "file: expected an uploaded file.", "file")
    seconds = _seconds(file)
    draft = compose(Wish(f"{body.get('prompt') or ''}{blake2b(file).hexdigest()}"), exchange.plan)
    usage = exchange.usage(_heard(exchange.model, seconds, draft, str(body.get("prompt") or "")))
    sizes = tokens(usage, INPUT), tokens(usage, OUTPUT)
    if exchange.streamed:
        pieces = [event({"type": "transcript.text.delta", "delta": piece}) for piece in draft.pieces]
        done = {"type": "transcript.text.done", "text": draft.text, "usage": usage}
        return Answer(*sizes, pieces=pieces, tail=[event(done)])
    if body.get("response_format") in PLAIN_FORMATS:
        return Answer(*sizes, draft.text.encode(), media="text/plain")
    long = {"task": "transcribe", "language": "english", "duration": seconds, "segments": []}
    more = long if body.get("response_format") == "verbose_json" else {}
    return Answer(*sizes, {**more, "text": draft.text, "usage": usage})


def _heard(model: str, seconds: float, draft: Draft, prompt: str) -> Json:
    if "whisper" in model:
        return {"type": "duration", "seconds": -int(-seconds // 1)}
    heard = {"audio_tokens": round(seconds * AUDIO_TOKENS_PER_S), "text_tokens": count(prompt)}
    size = sum(heard.values())
    counted = {INPUT: size, "input_token_details": heard, OUTPUT: draft.output_tokens}
    return {"type": "tokens", **counted, "total_tokens": size + draft.output_tokens}


def _seconds(file: bytes) -> float:
    """Exact for WAV, guessed from the size of anything compressed."""
    if not file.startswith(b"RIFF"):
        return max(1.0, len(file) / BYTES_PER_S)
    try:
        with wave.open(io.BytesIO(file)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError) as error:
        raise Refused(BAD_REQUEST, f"Audio file might be corrupted or unsupported: {error}", "file") from error
