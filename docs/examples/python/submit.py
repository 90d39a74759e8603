"""Submits a task, waits for its end, prints its outcome as JSON.

    python submit.py shout "Hello there" '{"text": "hello there"}' --nats nats://TOKEN@127.0.0.1:4222

Exit codes: 0 completed, 1 failed, 2 usage, 3 aborted, 4 expired, 6 refused, 7 out of reach.
"""

import argparse
import asyncio
import hashlib
import json
import sys

import longhaul
from fold import ENDED, Task

EXIT = {"completed": 0, "failed": 1, "aborted": 3, "expired": 4}


def submission(args):
    said = {
        "owner": {"org": args.org, "user": args.user},
        "kind": args.kind,
        "title": args.title,
        # Up to 64 KiB of JSON lie in the record itself, more in the object store.
        "input": {"inline": args.input},
        # What is left out has a default; see "submitted" in docs/protocol.md.
        "limits": {"slice": args.slice * 1000, "span": 7_200_000},
    }
    if args.key:
        # The digest tells the same submission, sent again, from another one under the same key. What
        # goes into it is the submitter's own choice, as long as it always chooses the same.
        body = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        said["key"] = {"key": args.key, "body": hashlib.sha256(body).hexdigest()}
    return said


async def submit(log, args, task):
    """Appends `submitted` as the first record of its subject. Once this returns it is not lost."""
    said = submission(args)
    subject = log.task_subject(args.org, task)
    try:
        # 0: nothing may be there. Of any number of submitters with one key, one writes.
        record = longhaul.commit(task, "client", args.user, [{"submitted": said}])
        await log.append(subject, record, expect=0)
    except longhaul.Conflict:
        _, first = await log.next(subject, after=0)
        body = first["events"][0]["body"]
        there = body["submitted"] if "submitted" in body else body["erased"]["skeleton"]["submission"]
        if there["key"]["body"] != said["key"]["body"]:
            print(f"the key {args.key!r} names the task {task}, submitted with another body", file=sys.stderr)
            sys.exit(6)
        print(f"the key {args.key!r} was used before, for the same: this is that task", file=sys.stderr)
    return subject


async def wait(log, args, task, subject):
    """Reads on until the task has ended. A projector says on `lh.change` that there is something new;
    that word may be lost, so one looks once a second anyway. What counts is in the log."""
    news = asyncio.Event()

    async def told(_):
        news.set()

    await log.nc.subscribe(f"lh.change.{args.org}.{args.user}.{task}", cb=told)
    state, outcome = Task(), {}
    while True:
        while found := await log.next(subject, state.sequence):
            sequence, record = found
            for event, (kind, ignored, _) in zip(record["events"], state.fold(sequence, record)):
                if kind in ENDED and not ignored:
                    outcome = event["body"][kind]
        if state.status in ENDED:
            return {"task": task, "status": state.status, **outcome}
        try:
            await asyncio.wait_for(news.wait(), 1)
        except asyncio.TimeoutError:
            pass
        news.clear()


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    longhaul.arguments(parser)
    parser.add_argument("kind", help="which handler runs it")
    parser.add_argument("title", help="what it is for")
    parser.add_argument("input", type=json.loads, help="what the handler gets, as JSON")
    parser.add_argument("--user", default="ada", help="whose task it is")
    parser.add_argument("--key", help="idempotency key: the same key is the same task, for ever")
    parser.add_argument("--slice", type=int, default=300, metavar="S", help="how long one run may last, in seconds")
    parser.add_argument("--detach", action="store_true", help="print the id and leave")
    args = parser.parse_args()

    task = longhaul.task_for_key(args.org, args.key) if args.key else longhaul.new_id()
    log = await longhaul.Log.connect(args)
    subject = await submit(log, args, task)
    print(f"submitted {task}", file=sys.stderr)
    outcome = {"task": task} if args.detach else await wait(log, args, task, subject)
    print(json.dumps(outcome))
    await log.nc.close()
    sys.exit(EXIT.get(outcome.get("status"), 0))


if __name__ == "__main__":
    asyncio.run(main())
