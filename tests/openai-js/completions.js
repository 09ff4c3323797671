import assert from "node:assert/strict";
import { test } from "node:test";
import { all, client, model } from "./client.js";

test("a text is gone on from, whole and streamed, with log probabilities and echo", async () => {
  const asked = { model, prompt: "red stone", temperature: 0, max_tokens: 5 };
  const whole = await client.completions.create(asked);
  assert.equal(whole.object, "text_completion");
  const chunks = await all(await client.completions.create({ ...asked, stream: true }));
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""), whole.choices[0].text);
  const { text, logprobs } = (await client.completions.create({ ...asked, logprobs: 2, echo: true })).choices[0];
  assert.ok(text.startsWith("red stone"));
  assert.equal(logprobs.token_logprobs[0], null);
  assert.deepEqual(logprobs.tokens.join(""), text);
  const several = await client.completions.create({ ...asked, prompt: ["red", "blue"], n: 2, temperature: 1, seed: 1 });
  assert.deepEqual(several.choices.map((choice) => choice.index), [0, 1, 2, 3]);
});
