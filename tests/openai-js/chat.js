import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { all, client, conversation as messages, model } from "./client.js";

const { completions } = client.chat;
const greedy = { model, messages, temperature: 0, max_completion_tokens: 6 };
const parameters = { type: "object", properties: { place: { enum: ["Oslo", "Bergen"] } }, required: ["place"], additionalProperties: false };
const weather = { type: "function", function: { name: "get_weather", description: "Weather at a place", parameters, strict: true } };
const places = ["Oslo", "Bergen"];

test("an answer is the same whole, streamed and gathered", async () => {
  const { data: whole, response, request_id } = await completions.create(greedy).withResponse();
  assert.match(request_id, /^req_/);
  assert.ok(response.headers.get("openai-processing-ms"));
  const text = whole.choices[0].message.content;
  assert.equal(whole.object, "chat.completion");
  assert.equal(whole.choices[0].message.refusal, null);
  assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
  const chunks = await all(await completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), text);
  assert.deepEqual([chunks.at(-1).choices, chunks.at(-1).usage], [[], whole.usage]);
  const runner = completions.stream(greedy);
  assert.equal((await runner.finalChatCompletion()).choices[0].message.content, text);
});

test("a stream that is left early is no error", async () => {
  const stream = await completions.create({ model, messages, stream: true, temperature: 0 });
  for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
  assert.ok((await completions.create(greedy)).choices[0].message.content);
});

test("log probabilities come with each token", async () => {
  const asked = { ...greedy, logprobs: true, top_logprobs: 3 };
  const { content } = (await completions.create(asked)).choices[0].logprobs;
  for (const token of content) {
    assert.ok(token.logprob <= 0 && token.top_logprobs.length === 3);
    assert.equal(token.top_logprobs[0].token, token.token);
  }
  const chunks = await all(await completions.create({ ...asked, stream: true }));
  assert.deepEqual(chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []).map((token) => token.token), content.map((token) => token.token));
});

test("tools are called, streamed too, and their results answered", async () => {
  for (const tool_choice of ["required", { type: "function", function: { name: "get_weather" } }]) {
    const asked = { model, messages, seed: 3, tools: [weather], tool_choice };
    const { message, finish_reason } = (await completions.create(asked)).choices[0];
    assert.deepEqual([finish_reason, message.content], ["tool_calls", null]);
    const [call] = message.tool_calls;
    assert.ok(places.includes(JSON.parse(call.function.arguments).place));
    const streamed = await completions.stream(asked).finalChatCompletion();
    assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
    const said = await completions.create({ model, max_tokens: 4, tools: [weather], tool_choice: "none", messages: [...messages, message, { role: "tool", tool_call_id: call.id, content: "rain" }] });
    assert.equal(typeof said.choices[0].message.content, "string");
  }
});

test("custom tools are called with a text, streamed too", async () => {
  const query = { type: "custom", custom: { name: "query", format: { type: "grammar", grammar: { syntax: "regex", definition: "(get|set) [a-z]{1,8}" } } } };
  const asked = { model, messages, seed: 3, tools: [query], tool_choice: { type: "custom", custom: { name: "query" } } };
  const { message, finish_reason } = (await completions.create(asked)).choices[0];
  const [call] = message.tool_calls;
  assert.deepEqual([finish_reason, call.type, call.custom.name], ["tool_calls", "custom", "query"]);
  assert.match(call.custom.input, /^(get|set) [a-z]{1,8}$/);
  const streamed = await completions.stream(asked).finalChatCompletion();
  assert.deepEqual(streamed.choices[0].message.tool_calls[0].custom, call.custom);
  const said = await completions.create({ model, max_tokens: 4, tools: [query], tool_choice: "none", messages: [...messages, message, { role: "tool", tool_call_id: call.id, content: "done" }] });
  assert.equal(typeof said.choices[0].message.content, "string");
});

test("the package's own loop of calls runs the function", async () => {
  const ran = [];
  const runner = completions.runTools({
    model, messages, seed: 3, max_tokens: 40, tool_choice: { type: "function", function: { name: "get_weather" } },
    tools: [{ type: "function", function: { ...weather.function, parse: JSON.parse, function: ({ place }) => { ran.push(place); return "rain"; } } }],
  }, { maxChatCompletions: 2 });
  await runner.done();
  assert.ok(ran.length > 0 && ran.every((place) => places.includes(place)));
});

test("response formats are kept, and parsed by the package", async () => {
  const schema = { type: "object", properties: { colour: { enum: ["red", "blue"] }, count: { type: "integer", minimum: 1, maximum: 9 } }, required: ["colour", "count"], additionalProperties: false };
  const asked = { model, messages, seed: 2, response_format: { type: "json_schema", json_schema: { name: "stone", strict: true, schema } } };
  const parsed = (await completions.parse(asked)).choices[0].message;
  const stone = JSON.parse(parsed.content);
  assert.ok(["red", "blue"].includes(stone.colour) && stone.count >= 1 && stone.count <= 9);
  assert.equal((await completions.stream(asked).finalChatCompletion()).choices[0].message.content, parsed.content);
  const any = await completions.create({ model, messages, seed: 2, max_tokens: 60, response_format: { type: "json_object" } });
  assert.ok(any.choices[0].message.content.startsWith("{"));
});

test("refusals are the package's own errors", async () => {
  await assert.rejects(completions.create({ ...greedy, model: "gpt-9" }), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found" && error.param === "model");
  await assert.rejects(completions.create({ model, messages: [{ role: "user", content: "stone ".repeat(400) }] }), (error) => error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded");
  await assert.rejects(completions.create({ ...greedy, n: 0 }), (error) => error instanceof OpenAI.BadRequestError && error.param === "n");
  await assert.rejects(new OpenAI({ apiKey: "sk-wrong", maxRetries: 0 }).models.list(), (error) => error instanceof OpenAI.AuthenticationError && error.code === "invalid_api_key");
});
