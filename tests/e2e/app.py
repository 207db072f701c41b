"""An ordinary program that calls two providers. It knows nothing of Spanledger."""

import anthropic
import openai

client = openai.OpenAI()
claude = anthropic.Anthropic()
QUESTION = [{"role": "user", "content": "What is the canary's favourite colour?"}]

client.chat.completions.create(model="gpt-4.1", messages=QUESTION)

stream = client.chat.completions.create(
    model="gpt-4.1-mini", messages=QUESTION, stream=True, stream_options={"include_usage": True}
)
for _ in stream:
    pass

client.responses.create(model="gpt-5", input="What is the canary's favourite colour?")

claude.messages.create(model="claude-sonnet-4-6", max_tokens=200, messages=QUESTION)

with claude.messages.stream(model="claude-haiku-4-5", max_tokens=200, messages=QUESTION) as reply:
    for _ in reply.text_stream:
        pass

client.chat.completions.create(model="ft:gpt-9-experimental:acme", messages=QUESTION)
