"""Asks for a task to be stopped: at once if it waits, else at its next checkpoint.

    python abort.py TASK --by ada --reason "wrong quarter" --nats nats://TOKEN@127.0.0.1:4222

Prints the status that the request led to: aborted or aborting. Exit codes: 0 asked for, 2 usage, 5 no
such task, 6 it has ended already, 7 out of reach.
"""

import argparse
import asyncio
import sys

import longhaul
from fold import ENDED, Task


async def abort(log, subject, args):
    """Read, decide, append what was decided on exactly what was read; on a conflict all over again."""
    state = Task()
    while True:
        while found := await log.next(subject, state.sequence):
            state.fold(*found)
        if state.status is None:
            return 5, "there is no such task"
        if state.status in ENDED:
            return 6, f"the task is {state.status} already"
        if state.status == "aborting":
            return 0, state.status  # Asked for already; the run stops at its next checkpoint.
        # Somebody may have asked and left it at that.
        events = [] if state.abort else [{"abort_requested": {"by": args.by, "reason": args.reason}}]
        if state.status != "running":
            events.append({"aborted": {}})  # Nothing is under way: the request itself ends it.
        record = longhaul.commit(args.task, "client", args.by, events)
        try:
            state.fold(await log.append(subject, record, state.sequence), record)
            return 0, state.status
        except longhaul.Conflict:
            continue


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    longhaul.arguments(parser)
    parser.add_argument("task", help="its id")
    parser.add_argument("--by", default="ada", help="who asks")
    parser.add_argument("--reason", help="why")
    args = parser.parse_args()

    log = await longhaul.Log.connect(args)
    code, said = await abort(log, log.task_subject(args.org, args.task), args)
    print(said, file=sys.stderr if code else sys.stdout)
    await log.nc.close()
    sys.exit(code)


if __name__ == "__main__":
    asyncio.run(main())
