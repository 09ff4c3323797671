import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { called, client, methods, resources } from "./client.js";

const checkpoint = "ft:talers-2m:a:b:c:ckpt-step-1";

/** Methods whose calls the service does not have, each with a call of it. */
const missing = {
  "chat.completions.retrieve": () => client.chat.completions.retrieve("chatcmpl-none"),
  "chat.completions.update": () => client.chat.completions.update("chatcmpl-none", { metadata: { team: "a" } }),
  "chat.completions.list": () => client.chat.completions.list(),
  "chat.completions.delete": () => client.chat.completions.delete("chatcmpl-none"),
  "chat.completions.messages.list": () => client.chat.completions.messages.list("chatcmpl-none"),
  "fineTuning.checkpoints.permissions.create": () => resources["fineTuning.checkpoints.permissions"].create(checkpoint, { project_ids: ["proj_none"] }),
  "fineTuning.checkpoints.permissions.retrieve": () => resources["fineTuning.checkpoints.permissions"].retrieve(checkpoint),
  "fineTuning.checkpoints.permissions.list": () => resources["fineTuning.checkpoints.permissions"].list(checkpoint),
  "fineTuning.checkpoints.permissions.delete": () => resources["fineTuning.checkpoints.permissions"].delete("cp-none", { fine_tuned_model_checkpoint: checkpoint }),
};

test("methods that are named as missing answer 404 with the error object", async () => {
  for (const [name, call] of Object.entries(missing))
    await assert.rejects(async () => call(), (error) => error instanceof OpenAI.NotFoundError && error.code === "unknown_url" && error.type === "invalid_request_error", name);
});

test("every method of the package's resources is called above, or named as missing", () => {
  assert.ok(methods.length > 35, `${methods.length} methods`);
  assert.deepEqual(methods.filter((method) => !called.has(method) && !(method in missing)), []);
  assert.deepEqual(methods.filter((method) => called.has(method) && method in missing), []);
});
