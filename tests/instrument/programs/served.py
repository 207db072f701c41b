"""A web application for uvicorn and gunicorn: one call for each request, one before the workers are made."""

import os

import openai

client = openai.OpenAI()
client.embeddings.create(model="preloaded", input="a canary")


def ask() -> bytes:
    client.embeddings.create(model=f"worker-{os.getpid()}", input="a canary")
    return str(os.getpid()).encode()


def wsgi(_environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [ask()]


async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": ask()})
