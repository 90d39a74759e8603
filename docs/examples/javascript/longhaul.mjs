// The log of Longhaul with nothing but a NATS client: subjects, strong reads, conditional appends.
// docs/protocol.md tells the rules; this file is what the examples beside it share.

import { createHash, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { connect, errors, headers } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

// The same key in the same organisation names the same task for ever: a UUID v5 under this namespace.
const KEYS = "6c6f6e676861756c80007461736b6b65";
// "Wrong last sequence": somebody else wrote to the subject, or is doing so right now.
const CONFLICTS = [10071, 10164];
// How long an append is tried while the log is out of reach, in milliseconds.
const DEADLINE = 30_000;

export const ENDED = ["completed", "failed", "aborted", "expired"];

// Somebody else wrote to the subject first: read on, and decide again.
export class Conflict extends Error {}

export function quit(code, message) {
  console.error(message);
  process.exit(code);
}

// Arguments: the ones every example takes, and `options`; `names` of what stands by itself.
export function args(usage, options, names) {
  const common = {
    nats: { type: "string", default: "nats://127.0.0.1:4222" },
    org: { type: "string", default: "acme" },
    inbox: { type: "string", default: "_INBOX" },
  };
  try {
    const { values, positionals } = parseArgs({ options: { ...common, ...options }, allowPositionals: true });
    if (positionals.length !== names.length) throw new Error(`expected ${names.join(", ")}`);
    return { ...values, ...Object.fromEntries(names.map((name, at) => [name, positionals[at]])) };
  } catch (error) {
    quit(2, `${error.message}\n${usage}`);
  }
}

// What anybody may have written, as a terminal may show it: no control, bidirectional or zero-width characters.
export const plain = (text) => `${text}`.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");

// A UUID v7 sorts by time, which is nicer to look at; any UUID will do.
export const newId = () => randomUUID();

export function taskForKey(org, key) {
  const bytes = createHash("sha1").update(Buffer.from(KEYS, "hex")).update(`${org}.${key}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// Where an organisation lies: FNV-1a, 32 bits, modulo the number of shards.
export function shardOf(org, shards) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(org)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

// One decision: one message with all its events, or nothing of them.
export function commit(task, role, who, bodies) {
  const events = bodies.map((body) => ({ id: newId(), body }));
  const actor = { role, who, via: "raw-nats" };
  return { v: 1, id: newId(), task, at: new Date().toISOString(), actor, events };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Log {
  static async connect({ nats, inbox }) {
    const log = new Log();
    try {
      const url = new URL(nats);
      const [user, pass] = [url.username, url.password].map(decodeURIComponent);
      const who = pass ? { user, pass } : user ? { token: user } : {};
      log.nc = await connect({ servers: url.host, inboxPrefix: inbox, maxReconnectAttempts: -1, ...who });
      log.js = jetstream(log.nc);
      log.jsm = await jetstreamManager(log.nc, { checkAPI: false });
      // The number of shards is fixed for ever when the log is made.
      const { config } = await log.jsm.streams.info("LH_LOG_0");
      log.shards = Number(config.metadata["longhaul.shards"]);
    } catch (error) {
      quit(7, `no log of Longhaul at ${nats}: ${error.message}; start one with \`longhaul up\``);
    }
    return log;
  }

  stream(subject) {
    return `LH_LOG_${subject.split(".")[1]}`;
  }

  subject(shape, org, ...tokens) {
    return ["lh", shardOf(org, this.shards), shape, org, ...tokens].join(".");
  }

  // A record under a subject, { sequence, record }: the first after a place, or the last one; null if
  // there is none. The stream's leader answers, so it sees everything acknowledged before.
  async read(subject, after) {
    const query = after === undefined ? { last_by_subj: subject } : { seq: after + 1, next_by_subj: subject };
    const found = await this.jsm.streams.getMessage(this.stream(subject), query);
    return found && { sequence: found.seq, record: found.json() };
  }

  // Appends a record if nothing came after `expect`, and gives its sequence. All four outcomes of an
  // append end here: stored, conflict, did not happen, may have happened.
  async append(subject, record, expect) {
    const until = Date.now() + DEADLINE;
    for (let inDoubt = false; ; await sleep(200)) {
      const expectation = headers();
      expectation.set("Nats-Expected-Last-Subject-Sequence", `${expect}`);
      let conflict = false, why;
      try {
        const options = { headers: expectation, timeout: 5000 };
        const { error, seq } = (await this.nc.request(subject, JSON.stringify(record), options)).json();
        if (!error) return seq;
        conflict = CONFLICTS.includes(error.err_code);
        why = new Error(`${error.description} (error ${error.err_code})`);
        if (!conflict && !inDoubt) quit(6, why.message); // Did not happen; trying again does not help.
      } catch (error) {
        why = error;
        // Nobody there to take it, or not permitted: did not happen. Else it may have.
        if (error instanceof errors.PermissionViolationError) quit(6, why.message);
        inDoubt ||= !error.isNoResponders?.();
      }
      // One's own record can only be the very next one. If that is another's, it never will be.
      const next = await this.read(subject, expect).catch(() => undefined);
      if (next && next.record.id === record.id) return next.sequence;
      if (next || (next === null && conflict && !inDoubt)) throw new Conflict(subject);
      if (Date.now() > until) throw why;
    }
  }
}
