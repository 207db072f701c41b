"""Langfuse's openai client, and its LangChain callback over it."""

import langchain_stack
import stage
from langfuse import Langfuse

langfuse = Langfuse(public_key="pk-lf-simulated", secret_key="sk-lf-simulated", base_url=stage.URL)
from langfuse.langchain import CallbackHandler
from langfuse.openai import OpenAI

import calls

client = OpenAI(base_url=f"{stage.URL}/v1", api_key="simulated", max_retries=0)
calls.openai(langfuse.flush, client)
langchain_stack.run(langfuse.flush, callbacks=[CallbackHandler()])
