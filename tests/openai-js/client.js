// The client of all tests, and which of its methods have been called: each is noted once its promise is fulfilled.
import { File as NodeFile } from "node:buffer";
import OpenAI from "openai";

globalThis.File ??= NodeFile; // Node 18, which Debian 12 has, keeps it there only.

// Some of OpenAI's calls want an admin's key; here there is one.
export const client = new OpenAI({ maxRetries: 0, adminAPIKey: process.env.OPENAI_API_KEY });
export const model = "talers-2m";
export const conversation = [{ role: "system", content: "You repeat." }, { role: "user", content: "Repeat: red stone" }];

/** The parts of the client whose calls the service has. */
export const resources = {
  files: client.files,
  uploads: client.uploads,
  "uploads.parts": client.uploads.parts,
  models: client.models,
  completions: client.completions,
  batches: client.batches,
  "chat.completions": client.chat.completions,
  "chat.completions.messages": client.chat.completions.messages,
  "fineTuning.jobs": client.fineTuning.jobs,
  "fineTuning.jobs.checkpoints": client.fineTuning.jobs.checkpoints,
  "fineTuning.checkpoints.permissions": client.fineTuning.checkpoints.permissions,
};

export const called = new Set();
export const methods = Object.entries(resources).flatMap(([name, resource]) =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).filter((method) => method !== "constructor").map((method) => `${name}.${method}`));

for (const method of methods) {
  const [name, last] = [method.slice(0, method.lastIndexOf(".")), method.slice(method.lastIndexOf(".") + 1)];
  const resource = resources[name];
  const original = resource[last].bind(resource);
  resource[last] = (...given) => {
    const result = original(...given);
    const note = (value) => (called.add(method), value);
    const { then } = result;
    // The package's promises are read by whoever awaits them, once; a runner of streams has an end of its own.
    if (!then) result.done().then(note, () => {});
    else if (result.constructor === Promise) result.then(note, () => {});
    else result.then = (fulfilled, rejected) => then.call(result, (value) => fulfilled ? fulfilled(note(value)) : note(value), rejected);
    return result;
  };
}

/** All items, page by page. */
export async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

/** Asks until the answer is as wished. */
export async function until(ask, isThere) {
  for (;;) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const rows = (count) => Array.from({ length: count }, (_, i) => `${JSON.stringify({ prompt: `count from ${i}`, completion: ` ${i + 1} ${i + 2}` })}\n`).join("");

export const upload = async (content, purpose) => (await client.files.create({ purpose, file: await OpenAI.toFile(Buffer.from(content), "rows.jsonl") })).id;
