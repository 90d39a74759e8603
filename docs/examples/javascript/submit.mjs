// Submits a task, in a conversation if one is given, and prints its id and whether it is a live one that
// was joined instead.
//
//   node submit.mjs shout "Hello there" '{"text": "hello there"}' --conversation chat-7 --on-busy join
//
// Exit codes: 0 submitted or joined, 2 usage, 6 refused, 7 out of reach.

import { args, commit, Conflict, ENDED, Log, newId, quit, taskForKey } from "./longhaul.mjs";
import { createHash } from "node:crypto";

const USAGE = "usage: submit.mjs KIND TITLE INPUT [--user U] [--key K] [--conversation C] [--on-busy join|enqueue|reject]";
const given = args(USAGE, {
  user: { type: "string", default: "ada" },
  key: { type: "string" },
  conversation: { type: "string" },
  "on-busy": { type: "string", default: "join" },
}, ["kind", "title", "input"]);

const { org, user, key, conversation } = given;
const busy = given["on-busy"];
if (!["join", "enqueue", "reject"].includes(busy)) quit(2, USAGE);
let input;
try {
  input = JSON.parse(given.input);
} catch (error) {
  quit(2, `the input is not JSON: ${error.message}`);
}

const log = await Log.connect(given);
const task = key ? taskForKey(org, key) : newId();
const joined = conversation ? await claim() : null;
if (!joined) await submit();
console.log(JSON.stringify(joined ? { task: joined, joined: true } : { task }));
await log.nc.close();

// Takes the conversation for the task, or gives its live task to join. The claim comes before the
// task: one whose task never came to be counts for nothing.
async function claim() {
  const subject = log.subject("conv", org, conversation);
  for (;;) {
    const held = await log.read(subject);
    if (held && held.record.task !== task && (await isLive(held))) {
      if (busy === "join") return held.record.task;
      if (busy === "reject") quit(6, `the conversation is held by ${held.record.task}`);
    }
    const record = { v: 1, id: newId(), conversation, org, task, at: new Date().toISOString() };
    try {
      await log.append(subject, record, held ? held.sequence : 0);
      return null;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error; // Somebody else took it: look again.
    }
  }
}

// Whether the task that holds a conversation has not ended, by the word of a projector that has read
// at least as far as the claim. (Exact to the last moment is only a fold of its history: see fold.py.)
async function isLive({ record, sequence }) {
  const shard = log.subject("conv", org).split(".")[1];
  const question = { task: record.task, org, at_least: { [shard]: sequence } };
  const patience = Date.parse(record.at) + 3000; // So long a claim may be ahead of its task.
  for (;;) {
    const answer = await log.nc.request("longhaul.get", JSON.stringify(question), { timeout: 10_000 })
      .catch((error) => quit(7, `no projector answers: ${error.message}`));
    const refused = answer.headers?.get("Nats-Service-Error");
    if (refused) quit(6, `${answer.headers.get("Nats-Service-Error-Code")} ${refused}`);
    const { item } = answer.json();
    if (item?.view) return !ENDED.includes(item.view.status);
    if (Date.now() > patience) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Appends `submitted` as the first record of the task's subject: once it is acknowledged it is not lost.
async function submit() {
  const said = { owner: { org, user, ...(conversation && { conversation }) }, kind: given.kind, title: given.title };
  said.input = { inline: input };
  // What goes into the digest is the submitter's choice, as long as it always chooses the same.
  if (key) said.key = { key, body: createHash("sha256").update(JSON.stringify(said)).digest("hex") };
  const subject = log.subject("task", org, task);
  try {
    await log.append(subject, commit(task, "client", user, [{ submitted: said }]), 0);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    // The key was used before. The same body is the same task.
    const { body } = (await log.read(subject, 0)).record.events[0];
    const there = body.submitted ?? body.erased.skeleton.submission;
    if (there.key?.body !== said.key.body) quit(6, `the key ${key} names ${task}, submitted with another body`);
  }
}
