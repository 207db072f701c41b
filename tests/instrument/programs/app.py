"""An ordinary program: it knows nothing of Spanledger. Addresses come from the environment, as the SDKs read them."""

import anthropic
import openai

QUESTION = [{"role": "user", "content": "What is the canary's favourite colour?"}]

openai.OpenAI().chat.completions.create(model="gpt-4.1", messages=QUESTION)
stream = openai.OpenAI().responses.create(model="gpt-4.1", input="colour", stream=True)
left_open = anthropic.Anthropic().messages.create(
    model="claude-sonnet-5", max_tokens=50, messages=QUESTION, stream=True
)
for _ in stream:
    pass
next(left_open)
print("done")
