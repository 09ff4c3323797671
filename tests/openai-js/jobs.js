import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { all, client, model, rows, until, upload } from "./client.js";

const { jobs } = client.fineTuning;

test("a job trains, tells of itself, and its models answer", async () => {
  const file = await upload(rows(12), "fine-tune");
  const job = await jobs.create({
    model,
    training_file: file,
    validation_file: file,
    suffix: "js",
    seed: 7,
    metadata: { team: "a" },
    method: { type: "supervised", supervised: { hyperparameters: { n_epochs: 2, batch_size: 4, learning_rate_multiplier: "auto" } } },
  });
  assert.equal(job.object, "fine_tuning.job");
  assert.equal(job.error, null);
  const ended = await until(() => jobs.retrieve(job.id), (now) => !["validating_files", "queued", "running"].includes(now.status));
  assert.equal(ended.status, "succeeded");
  assert.deepEqual(ended.method.supervised.hyperparameters, { n_epochs: 2, batch_size: 4, learning_rate_multiplier: 1 });
  assert.ok(ended.trained_tokens > 0 && ended.finished_at >= ended.created_at);
  assert.match(await (await client.files.content(ended.result_files[0])).text(), /^step,/);
  const events = await all(jobs.listEvents(job.id, { limit: 2 }));
  assert.ok(events.some((event) => event.type === "metrics" && event.data.train_loss > 0));
  assert.equal(new Set(events.map((event) => event.id)).size, events.length);
  const checkpoints = await all(jobs.checkpoints.list(job.id, { limit: 1 }));
  assert.ok(checkpoints[0].metrics.train_loss > 0);
  for (const name of [ended.fine_tuned_model, checkpoints[0].fine_tuned_model_checkpoint]) {
    const answer = await client.chat.completions.create({ model: name, messages: [{ role: "user", content: "count from 3" }], max_tokens: 4 });
    assert.equal(answer.model, name);
  }
  const models = await all(client.models.list());
  assert.ok([model, ended.fine_tuned_model].every((name) => models.some((one) => one.id === name)));
  assert.equal((await client.models.retrieve(ended.fine_tuned_model)).object, "model");
  assert.equal((await client.models.delete(ended.fine_tuned_model)).deleted, true);
  await assert.rejects(client.models.retrieve(ended.fine_tuned_model), OpenAI.NotFoundError);
});

test("jobs are paused, resumed, cancelled and listed", async () => {
  const file = await upload(rows(40), "fine-tune");
  const job = await jobs.create({ model, training_file: file, hyperparameters: { n_epochs: 50, batch_size: 1 } });
  assert.equal((await jobs.pause(job.id)).status, "paused");
  assert.notEqual((await jobs.resume(job.id)).status, "paused");
  assert.ok((await all(jobs.list({ limit: 1 }))).some((one) => one.id === job.id));
  assert.equal((await jobs.cancel(job.id)).status, "cancelled");
  await assert.rejects(jobs.cancel(job.id), OpenAI.ConflictError);
});

test("a job with a bad file fails, and what cannot be is refused by name", async () => {
  const broken = await jobs.create({ model, training_file: await upload("{broken\n", "fine-tune") });
  const ended = await until(() => jobs.retrieve(broken.id), (now) => now.status === "failed");
  assert.match(ended.error.message, /line 1/);
  assert.equal(ended.error.param, "training_file");
  await assert.rejects(jobs.create({ model: "gpt-9", training_file: "file-none" }), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  await assert.rejects(
    jobs.create({ model, training_file: "file-none", integrations: [{ type: "wandb", wandb: { project: "p" } }] }),
    (error) => error instanceof OpenAI.BadRequestError && error.param.startsWith("integrations"));
});
