// Follows a task: what happened, then what happens, until it has ended. Text goes to stdout as it is
// written, everything else to stderr.
//
//   node watch.mjs TASK --org acme --nats nats://TOKEN@127.0.0.1:4222
//
// Exit codes: 0 completed, 1 failed, 2 usage, 3 aborted, 4 expired, 5 no such task, 7 out of reach.

import { args, ENDED, Log, plain, quit } from "./longhaul.mjs";

const given = args("usage: watch.mjs TASK [--org ORG]", {}, ["task"]);
const log = await Log.connect(given);
const subject = log.subject("task", given.org, given.task);
if (!(await log.read(subject))) quit(5, `${given.org} has no task ${given.task}`);

// Text lies in segments; a later run that tells a segment anew replaces it. The same piece is heard
// twice, live and from the log: its place tells what of it is new.
const segments = new Map();
function tell({ run, segment, offset, text }) {
  const piece = Buffer.from(text); // Offsets count bytes.
  let known = segments.get(segment);
  if (!known || known.run < run) segments.set(segment, (known = { run, length: 0 }));
  // Of an older run, or ahead of what is known: the log will tell.
  if (known.run > run || offset > known.length) return;
  process.stdout.write(plain(piece.subarray(known.length - offset)));
  known.length = Math.max(known.length, offset + piece.length);
}

// Live text is said once to whoever listens, and kept by nobody. Whatever is missed is in the log soon.
// (Do not listen to the task's own subject: what the log refuses can be heard there, too.)
log.nc.subscribe(`lh.live.${given.org}.${given.task}`, {
  callback: (error, message) => error ? console.error(error.message) : tell(message.json()),
});

// The log itself: an ordered consumer gives every record once, in order, over reconnections, too. One for
// one task is fine; whoever follows many reads the whole shard once, and shares it out.
const consumer = await log.js.consumers.get(log.stream(subject), { filter_subjects: subject });
const exit = { completed: 0, failed: 1, aborted: 3, expired: 4 };
let code = 0;
for await (const message of await consumer.consume()) {
  const { v, at, actor, events } = message.json();
  if (v !== 1) quit(1, `record ${message.seq} has version ${v}: update this program`);
  let last;
  for (const { body } of events) {
    const [[kind, said]] = Object.entries(body);
    if (kind === "text_appended") tell(said);
    else console.error(plain(`${message.seq} ${at} ${actor.role} ${kind}${summary(kind, said)}`));
    // `retried` after an end goes on. (Whether an event counts at all, only the fold tells: see fold.py.)
    if (ENDED.includes(kind)) last = kind;
    if (kind === "retried") last = undefined;
  }
  if (last) {
    code = exit[last];
    break;
  }
}
await log.nc.close();
process.exit(code);

function summary(kind, said) {
  if (kind === "submitted") return ` ${JSON.stringify(said.title)}`;
  if (kind === "progressed") return said.fraction === undefined ? "" : ` ${Math.round(said.fraction * 100)} %`;
  if (kind === "failed") return ` ${JSON.stringify(said.error)}`;
  if (said.step !== undefined) return ` ${JSON.stringify(said.step)}`;
  return "";
}
