"""A program that calls before and after fork, and from a child of multiprocessing."""

import multiprocessing
import os

import openai

client = openai.OpenAI()


def call(model: str) -> None:
    openai.OpenAI().embeddings.create(model=model, input="a canary")


if __name__ == "__main__":
    client.embeddings.create(model="parent", input="a canary")
    stream = client.responses.create(model="streaming", input="a canary", stream=True)
    child = os.fork()
    if not child:
        call("forked")
        raise SystemExit(0)
    os.waitpid(child, 0)
    worker = multiprocessing.get_context("fork").Process(target=call, args=("worker",))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    for _ in stream:
        pass
