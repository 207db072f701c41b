"""A program that reads what others began, results of two batches and a response of the background, and asks."""

import os

import anthropic
import openai

file, batch, response = os.environ["FILE"], os.environ["BATCH"], os.environ["RESPONSE"]
client = openai.OpenAI()
for _ in range(2):
    client.files.content(file)
for _ in anthropic.Anthropic().messages.batches.results(batch):
    pass
client.responses.retrieve(response)
client.chat.completions.create(model="gpt-4.1-nano", messages=[{"role": "user", "content": "And now?"}])
