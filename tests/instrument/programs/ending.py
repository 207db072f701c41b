"""A program that still calls while the interpreter shuts down: at exit, in a finalizer, from a daemon thread."""

import atexit
import contextlib
import threading

import openai

client = openai.OpenAI()


def ask(model: str) -> None:
    client.embeddings.create(model=model, input="a canary")


class Last:
    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # what the SDK can no longer do is not at issue here
            ask("finalizer")


def forever() -> None:
    while True:
        ask("daemon")


atexit.register(ask, "atexit")
last = Last()
last.itself = last
ask("main")
threading.Thread(target=forever, daemon=True).start()
left_open = client.chat.completions.create(model="open", messages=[{"role": "user", "content": "x"}], stream=True)
next(left_open)
print("done")
