// The Vercel AI SDK's own spans, over OpenAI and Anthropic.
import { createRequire } from "node:module";
import { join } from "node:path";

const load = createRequire(join(process.env.HOME, "package.json"));
const { generateText, streamText, embed, tool, stepCountIs } = load("ai");
const { createOpenAI } = load("@ai-sdk/openai");
const { createAnthropic } = load("@ai-sdk/anthropic");
const { z } = load("zod");
const { NodeTracerProvider, BatchSpanProcessor } = load("@opentelemetry/sdk-trace-node");
const { OTLPTraceExporter } = load("@opentelemetry/exporter-trace-otlp-proto");

const url = process.env.STAGE_URL;
const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }))],
});
provider.register();

const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: "simulated" });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: "simulated" });
const weather = tool({ inputSchema: z.object({ city: z.string() }) });
const say = (path) => fetch(`${url}/_stage/${path}`, { method: "POST" }).then((answer) => answer.text());

async function scene(api, title, name, play) {
  await say(`begin/${api}/${name}/1/${title}`);
  try {
    await play();
  } catch (error) {
    console.error(`${title}: ${error.name}: ${error.message}`);
  }
  await provider.forceFlush();
  await say("end");
}

async function ask(model, name) {
  const asked = {
    model, maxRetries: 0, prompt: "How is the weather in Lisbon?", maxOutputTokens: 300,
    experimental_telemetry: { isEnabled: true, functionId: "forecast" },
    ...(name === "tool" ? { tools: { weather } } : {}),
  };
  if (name === "streamed") {
    for await (const _ of streamText(asked).textStream);
  } else {
    await generateText(asked);
  }
}

for (const name of ["plain", "cached", "streamed", "reasoning", "tool", "refused"]) {
  const model = name === "reasoning" ? "gpt-5-mini" : "gpt-4.1-mini";
  await scene("openai", `openai_${name}`, name, () => ask(openai.chat(model), name));
  await scene("openai-responses", `responses_${name}`, name, () => ask(openai.responses(model), name));
  await scene("anthropic", `anthropic_${name}`, name, () => ask(anthropic("claude-sonnet-4-5"), name));
}
await scene("openai-embeddings", "openai_embeddings", "embeddings", () =>
  embed({
    model: openai.textEmbeddingModel("text-embedding-3-small"), value: "sunny", maxRetries: 0,
    experimental_telemetry: { isEnabled: true },
  }));
await provider.shutdown();
