// The Vercel AI SDK's own spans, over OpenAI and Anthropic. Run from the folder of its packages.
import * as ai from "ai";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { z } from "zod";

const { generateText, streamText, embed, tool } = ai;
const url = process.env.STAGE_URL;
const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }))],
});
provider.register();
if (ai.registerTelemetry) { // version 7 tells by a package of its own
  const { OpenTelemetry } = await import("@ai-sdk/otel");
  ai.registerTelemetry(new OpenTelemetry());
}

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
    model: openai.embeddingModel("text-embedding-3-small"), value: "sunny", maxRetries: 0,
    experimental_telemetry: { isEnabled: true },
  }));
await provider.shutdown();
