"""A program that calls from 200 threads and from 2,000 tasks: `crowd.py threads|tasks`. It prints what it has grown by.

The number of calls is many times what may wait for its hashes or its export.
"""

import asyncio
import sys
import threading

import openai

WARM = 200


def resident() -> int:
    """KiB."""
    with open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123 - a program as plain as can be
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def ask(client: openai.OpenAI) -> None:
    assert client.embeddings.create(model="crowd", input="a canary").model


def in_threads(client: openai.OpenAI) -> None:
    threads = [threading.Thread(target=ask, args=(client,)) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def in_tasks() -> None:
    async with openai.AsyncOpenAI(max_retries=0) as client:
        create = client.embeddings.create
        gate = asyncio.Semaphore(50)  # the server on loopback takes no more at once

        async def one() -> None:
            async with gate:
                assert (await create(model="crowd", input="a canary")).model

        await asyncio.gather(*(one() for _ in range(2000)))


if __name__ == "__main__":
    made = openai.OpenAI(max_retries=0)
    for _ in range(WARM):
        ask(made)
    before = resident()
    if sys.argv[1] == "threads":
        in_threads(made)
    else:
        asyncio.run(in_tasks())
    print(resident() - before)
