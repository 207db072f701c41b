"""Attribute names on the wire: the contract between the library and the collector.

OTel GenAI names follow semantic-conventions-genai (https://github.com/open-telemetry/semantic-conventions-genai);
the constants published on PyPI are frozen and deprecated, so they are kept here. ``spanledger.*`` covers what no
convention has. Every value's type and unit stands beside its name.
"""

from __future__ import annotations

from typing import Final

# --- OTel GenAI -------------------------------------------------------------------------------------------------
OPERATION_NAME: Final = "gen_ai.operation.name"  # chat, text_completion, embeddings, ...
PROVIDER_NAME: Final = "gen_ai.provider.name"  # openai, anthropic, azure.ai.openai, ...
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_STREAM: Final = "gen_ai.request.stream"  # bool
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"  # string[]
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"  # double, seconds
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"  # int, INCLUDES cache read and cache write
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"  # int, INCLUDES reasoning
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
CONVERSATION_ID: Final = "gen_ai.conversation.id"  # as tagged, or as the request names it
OUTPUT_TYPE: Final = "gen_ai.output.type"  # text, json, image, speech
INPUT_MESSAGES: Final = "gen_ai.input.messages"  # string, JSON as the convention has it; only when content is asked for
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"  # the same
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"  # the same
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"  # the same

# --- OTel general -----------------------------------------------------------------------------------------------
SERVER_ADDRESS: Final = "server.address"  # of the client's base URL
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"  # class of the exception, or the provider's code; never its text
HTTP_STATUS: Final = "http.response.status_code"  # of the last attempt
HTTP_RESEND_COUNT: Final = "http.request.resend_count"  # int, requests after the first
CODE_FILE: Final = "code.file.path"  # of the caller's own line, outside installed packages
CODE_LINE: Final = "code.line.number"
CODE_FUNCTION: Final = "code.function.name"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
ENVIRONMENT: Final = "deployment.environment.name"

# --- Spanledger: the call ---------------------------------------------------------------------------------------
PROVIDER_ASSUMED: Final = "spanledger.provider.assumed"  # true: nobody is known at the address; named after the SDK
OUTCOME: Final = "spanledger.outcome"  # one of OUTCOMES
USAGE_GRADE: Final = "spanledger.usage.grade"  # measured (from the provider), partial (stream cut short), absent
SERVICE_TIER: Final = "spanledger.service_tier"  # default, flex, priority, batch, ... as the provider reported it
UNWAITED: Final = "spanledger.unwaited"  # true: nobody waited for this reply, of a batch or of work in the background
USAGE_CACHE_WRITE_5M: Final = "spanledger.usage.cache_write_5m.input_tokens"
USAGE_CACHE_WRITE_1H: Final = "spanledger.usage.cache_write_1h.input_tokens"
USAGE_INPUT_AUDIO: Final = "gen_ai.usage.audio.input_tokens"  # inside input_tokens
USAGE_OUTPUT_AUDIO: Final = "gen_ai.usage.audio.output_tokens"  # inside output_tokens
BILLED_PREFIX: Final = "spanledger.billed."  # + {input_tokens,output_tokens,search_units,classifications}, if others;
# + {image_input,image_output}: int tokens, inside input and output; + audio_seconds: double;
# + {images,web_searches,file_searches,pages,characters,sources,server_tools}: int, billed by the piece
INPUT_CHARS: Final = "spanledger.input.chars"  # int, characters of prompt text
OUTPUT_CHARS: Final = "spanledger.output.chars"  # int, characters of reply text
OUTPUT_LOGPROB_MEAN: Final = "spanledger.output.logprob.mean"  # double, natural logarithm, where they were asked for
OUTPUT_TOKENS_PER_SECOND: Final = "spanledger.output.tokens_per_second"  # double; of a stream: from its first chunk on
REQUEST_TIMEOUT: Final = "spanledger.request.timeout"  # double, seconds, as configured
REQUEST_MAX_RETRIES: Final = "spanledger.request.max_retries"  # int, as configured

OUTCOMES: Final = ("ok", "error", "cancelled", "abandoned", "truncated")

# --- Spanledger: calls that are one to the application: its own retries, another model in place of one that failed --
LOGICAL_ID: Final = "spanledger.logical.id"  # hex: the span id of the first of them, as a rule
LOGICAL_ORDINAL: Final = "spanledger.logical.ordinal"  # int, 1 for the first
FALLBACK_FROM: Final = "spanledger.fallback.from"  # the model whose call failed before, when this one is another

# --- Spanledger: attempts (parallel arrays, one entry per HTTP request; left out when there was only one) ---------
ATTEMPTS: Final = "spanledger.attempts"  # int
ATTEMPT_STATUSES: Final = "spanledger.attempt.statuses"  # int[], 0 where no response came
ATTEMPT_ERRORS: Final = "spanledger.attempt.errors"  # string[], exception class, "" where none
ATTEMPT_DURATIONS: Final = "spanledger.attempt.durations"  # double[], seconds
ATTEMPT_WAITS: Final = "spanledger.attempt.waits"  # double[], seconds slept before the next attempt, 0 on the last
ATTEMPT_RETRY_AFTERS: Final = "spanledger.attempt.retry_afters"  # double[], seconds the provider asked for, -1 none
RATE_LIMIT_PREFIX: Final = "spanledger.rate_limit."  # + {requests,tokens,input_tokens,output_tokens}.{limit,remaining}

# --- Spanledger: prompt and validation --------------------------------------------------------------------------
VALIDATION_OUTCOME: Final = "spanledger.validation.outcome"  # ok, failed
VALIDATION_SCHEMA: Final = "spanledger.validation.schema"  # the name of the schema or of the check
VALIDATION_BY: Final = "spanledger.validation.by"  # application, pydantic; left out: the SDK itself
VALIDATION_FIELDS: Final = "spanledger.validation.fields"  # string[], field paths, never values
VALIDATION_ERRORS: Final = "spanledger.validation.errors"  # string[], error types, parallel to the fields
JUDGED_SPAN_ID: Final = "spanledger.judged.span_id"  # hex: the call, of the same trace, that this span judges
COUNTED_BY: Final = "spanledger.counted_by"  # hex: on an SDK's own span, the span of ours that tells the same bill
JUDGED_RESPONSE_ID: Final = "spanledger.judged.response_id"
FALLBACK_TO: Final = "spanledger.fallback.to"  # what the application says it does instead
FINGERPRINT_REQUEST: Final = "spanledger.fingerprint.request"  # keyed hash, hex: model, settings, tools, whole prompt
FINGERPRINT_SYSTEM: Final = "spanledger.fingerprint.system"
FINGERPRINT_MESSAGES: Final = "spanledger.fingerprint.messages"  # without the system prompt
FINGERPRINT_TOOLS: Final = "spanledger.fingerprint.tools"  # in their order, their keys in theirs
FINGERPRINT_TOOLS_SORTED: Final = "spanledger.fingerprint.tools.sorted"  # the set of tools, whatever the order
FINGERPRINT_TOOLS_CANONICAL: Final = "spanledger.fingerprint.tools.canonical"  # in their order, keys sorted
FINGERPRINT_SCHEMA: Final = "spanledger.fingerprint.schema"  # JSON schema asked for, keys in their order
FINGERPRINT_SCHEMA_CANONICAL: Final = "spanledger.fingerprint.schema.canonical"
FINGERPRINT_DROPPED: Final = "spanledger.fingerprint.dropped"  # true: too much was waiting, there are no hashes

# --- Spanledger: the prompt as the provider's cache sees it: tools, then system, then messages, as one text --------
PREFIX_BLOCK_CHARS: Final = "spanledger.prefix.block_chars"  # int, characters per block
PREFIX_BLOCKS: Final = "spanledger.prefix.blocks"  # string: 12 hex digits per full block, each hash covering all before
PREFIX_MASKED_BLOCKS: Final = "spanledger.prefix.masked_blocks"  # the same with volatile text masked; absent: equal
PREFIX_SECTION_CHARS: Final = "spanledger.prefix.section_chars"  # int[3], characters of tools, system, messages
VOLATILE_KINDS: Final = "spanledger.prefix.volatile.kinds"  # string[], of VOLATILE: the first in each block, 64 at most
VOLATILE_OFFSETS: Final = "spanledger.prefix.volatile.offsets"  # int[], characters from the start, parallel
PREFIX_BREAKPOINTS: Final = "spanledger.prefix.breakpoints"  # int[], offsets of cache_control marks, 8 at most
PROMPT_MESSAGES: Final = "spanledger.prompt.messages"  # int
PROMPT_PARTS: Final = "spanledger.prompt.parts"  # int, content blocks of all messages
PROMPT_ROLES: Final = "spanledger.prompt.roles"  # string[], roles in the order they first occur
PROMPT_ROLE_CHARS: Final = "spanledger.prompt.role_chars"  # int[], characters of each role, parallel

VOLATILE: Final = ("date-time", "uuid", "hex", "number")
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
TAG_PREFIX: Final = "spanledger.tag."  # + feature, team, user or any other key

# --- Spanledger: structure, what frameworks do around the calls (INTERNAL spans, never billed) --------------------
FRAMEWORK: Final = "spanledger.framework"  # litellm, instructor, langchain, ...
AGENT_NAME: Final = "gen_ai.agent.name"
TOOL_NAME: Final = "gen_ai.tool.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
TRIES: Final = "spanledger.tries"  # int, of one structure span: calls made until it was satisfied
TRY_OUTCOMES: Final = "spanledger.try.outcomes"  # string[], per try: ok, invalid, error
TRY_ERRORS: Final = "spanledger.try.errors"  # string[], per try: exception class, "" where none
TRY_FIELDS: Final = "spanledger.try.fields"  # string[], per try: failing field paths and error types, never values
TRY_MODELS: Final = "spanledger.try.models"  # string[], per try: the model or deployment asked
CACHE_HIT: Final = "spanledger.cache.hit"  # bool: a response cache answered, nobody was paid
CACHE_SAVED_PREFIX: Final = "spanledger.cache.saved."  # + {input_tokens,output_tokens}: int, what it spared
REPORTED_COST: Final = "spanledger.cost.reported_usd"  # string, decimal USD, as the provider or its CLI reported it
MCP_METHOD: Final = "mcp.method.name"
MCP_SESSION: Final = "mcp.session.id"
MCP_PROTOCOL: Final = "mcp.protocol.version"

# --- Spanledger: resource ---------------------------------------------------------------------------------------
DEMO: Final = "spanledger.demo"  # bool on the resource: made-up traffic, never mixed with a real ledger
