import assert from "node:assert/strict";
import { test } from "node:test";
import { all, client, conversation as messages, model, until, upload } from "./client.js";

const line = (custom_id, body) => `${JSON.stringify({ custom_id, method: "POST", url: "/v1/chat/completions", body })}\n`;
const batch = async (lines) => client.batches.create({ input_file_id: await upload(lines, "batch"), endpoint: "/v1/chat/completions", completion_window: "24h", metadata: { team: "a" } });

test("a batch ends with its answers and its errors", async () => {
  const begun = await batch(line("a", { model, messages, max_tokens: 2 }) + line("b", { model: "gpt-9", messages }));
  const ended = await until(() => client.batches.retrieve(begun.id), (now) => now.status === "completed");
  assert.deepEqual(ended.request_counts, { total: 2, completed: 1, failed: 1 });
  const lines = async (file) => (await (await client.files.content(file)).text()).trim().split("\n").map(JSON.parse);
  assert.deepEqual((await lines(ended.output_file_id)).map((one) => [one.custom_id, one.response.status_code]), [["a", 200]]);
  assert.deepEqual((await lines(ended.error_file_id)).map((one) => one.custom_id), ["b"]);
});

test("batches are cancelled and listed", async () => {
  const begun = await batch(Array.from({ length: 200 }, (_, i) => line(`a${i}`, { model, messages, max_tokens: 4 })).join(""));
  assert.match((await client.batches.cancel(begun.id)).status, /^cancell(ing|ed)$/);
  assert.ok((await all(client.batches.list({ limit: 1 }))).some((one) => one.id === begun.id));
});
