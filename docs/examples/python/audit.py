"""Reads the history of one task and prints, event by event, what it says and what it changed.

    python audit.py TASK --org acme --nats nats://TOKEN@127.0.0.1:4222 [--json]

Exit codes: 0 read, 1 a record cannot be read, 2 usage, 5 no such task, 7 out of reach.
"""

import argparse
import asyncio
import json
import sys

import longhaul
from fold import Task


def printed(line, as_json):
    if as_json:
        return json.dumps(line)
    change = f"-> {line['status']}" if line["status"] != line["before"] else ""
    ignored = f"ignored: {line['ignored']}" if line["ignored"] else ""
    # Names and texts are anybody's: nothing of them reaches the terminal unescaped.
    return f"{line['sequence']:>8} {line['at']} {line['role']:<9} {line['event']:<18} {change}{ignored}".rstrip()


async def audit(log, subject, as_json):
    """Prints the history; gives how it ended for the exit code."""
    state = Task()
    while True:
        try:
            found = await log.next(subject, state.sequence)
            if found is None:
                return 0 if state.sequence else 5
            sequence, record = found
            before = state.status
            told = state.fold(sequence, record)
        except (ValueError, KeyError, TypeError) as error:
            # What comes after a record that cannot be read must not be folded: it would be half a truth.
            print(f"after {state.sequence} there is a record that cannot be read: {error!r}", file=sys.stderr)
            return 1
        for kind, ignored, status in told:
            line = {"sequence": sequence, "at": record["at"], "role": record["actor"]["role"], "event": kind}
            print(printed({**line, "ignored": ignored, "before": before, "status": status}, as_json))
            before = status


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    longhaul.arguments(parser)
    parser.add_argument("task", help="its id")
    parser.add_argument("--json", action="store_true", help="a line of JSON an event")
    args = parser.parse_args()

    log = await longhaul.Log.connect(args)
    code = await audit(log, log.task_subject(args.org, args.task), args.json)
    if code == 5:
        print(f"{args.org} has no task {args.task}", file=sys.stderr)
    await log.nc.close()
    sys.exit(code)


if __name__ == "__main__":
    asyncio.run(main())
