import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import OpenAI from "openai";
import { all, client, rows } from "./client.js";

test("files are uploaded, listed, read and deleted", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "openai-js-"));
  fs.writeFileSync(path.join(folder, "rows.jsonl"), rows(3));
  const file = await client.files.create({ purpose: "fine-tune", file: fs.createReadStream(path.join(folder, "rows.jsonl")), expires_after: { anchor: "created_at", seconds: 3600 } });
  fs.rmSync(folder, { recursive: true });
  assert.equal(file.filename, "rows.jsonl");
  assert.equal(file.bytes, rows(3).length);
  assert.equal(file.expires_at, file.created_at + 3600);
  assert.deepEqual((await client.files.waitForProcessing(file.id)).id, file.id);
  assert.deepEqual(await client.files.retrieve(file.id), file);
  const other = await client.files.create({ purpose: "fine-tune", file: await OpenAI.toFile(Buffer.from("{}\n"), "other.jsonl") });
  const ids = (await all(client.files.list({ purpose: "fine-tune", limit: 1, order: "asc" }))).map((one) => one.id);
  assert.deepEqual(ids.filter((id) => id === file.id || id === other.id), [file.id, other.id]);
  assert.equal(await (await client.files.content(file.id)).text(), rows(3));
  for (const id of [file.id, other.id]) assert.equal((await client.files.delete(id)).deleted, true);
  await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
});

test("uploads in parts become a file or are cancelled", async () => {
  const begun = { filename: "rows.jsonl", purpose: "fine-tune", bytes: 6, mime_type: "text/jsonl" };
  const upload = await client.uploads.create(begun);
  const part = async (text) => (await client.uploads.parts.create(upload.id, { data: await OpenAI.toFile(Buffer.from(text), "part") })).id;
  const [second, first] = [await part("def"), await part("abc")];
  const done = await client.uploads.complete(upload.id, { part_ids: [first, second] });
  assert.equal(done.status, "completed");
  assert.equal(await (await client.files.content(done.file.id)).text(), "abcdef");
  await client.files.delete(done.file.id);
  assert.equal((await client.uploads.cancel((await client.uploads.create(begun)).id)).status, "cancelled");
});
