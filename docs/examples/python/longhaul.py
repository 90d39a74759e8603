"""The log of Longhaul with nothing but a NATS client: subjects, strong reads, conditional appends.

docs/protocol.md tells the rules; this file is what the examples beside it share.
"""

import asyncio
import json
import sys
import uuid
from datetime import datetime, timezone

import nats
from nats.errors import ConnectionClosedError, TimeoutError
from nats.js.errors import APIError, NotFoundError, NoStreamResponseError

# The same key in the same organisation names the same task for ever: a UUID v5 under this namespace.
KEYS = uuid.UUID("6c6f6e67-6861-756c-8000-7461736b6b65")
# "Wrong last sequence": somebody else wrote to the subject, or is doing so right now.
CONFLICTS = {10071, 10164}
# How long an append is tried while the log is out of reach.
DEADLINE = 30


class Conflict(Exception):
    """Somebody else wrote to the subject first: read on, and decide again."""


def arguments(parser):
    """The arguments that every example takes."""
    parser.add_argument("--nats", default="nats://127.0.0.1:4222", metavar="URL", help="nats://TOKEN@HOST:PORT")
    parser.add_argument("--org", default="acme", help="the organisation")
    parser.add_argument("--inbox", default="_INBOX", help="where answers come back; roles may have their own")
    return parser


def new_id():
    return str(uuid.uuid4())  # A UUID v7 sorts by time, which is nicer to look at; any UUID will do.


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def task_for_key(org, key):
    return str(uuid.uuid5(KEYS, f"{org}.{key}"))


def shard_of(org, shards):
    """Where an organisation lies: FNV-1a, 32 bits, modulo the number of shards."""
    hashed = 0x811C9DC5
    for byte in org.encode():
        hashed = (hashed ^ byte) * 0x01000193 & 0xFFFFFFFF
    return hashed % shards


def commit(task, role, who, events):
    """One decision: one message with all its events, or nothing of them."""
    events = [{"id": new_id(), "body": body} for body in events]
    actor = {"role": role, "who": who, "via": "raw-nats"}
    return {"v": 1, "id": new_id(), "task": task, "at": now(), "actor": actor, "events": events}


class Log:
    """A connection to the log."""

    @classmethod
    async def connect(cls, args):
        async def complain(error):  # What the server forbids is said here, and nowhere else.
            print(f"nats: {error}", file=sys.stderr)

        connecting = nats.connect(
            args.nats, inbox_prefix=args.inbox, error_cb=complain, max_reconnect_attempts=-1, connect_timeout=5
        )
        log = cls()
        try:
            log.nc = await asyncio.wait_for(connecting, 6)
            log.js = log.nc.jetstream()
            info = await log.js.stream_info("LH_LOG_0")
        except (OSError, asyncio.TimeoutError, nats.errors.Error, APIError) as error:
            print(f"no log of Longhaul at {args.nats}: {error!r}; start one with `longhaul up`", file=sys.stderr)
            sys.exit(7)
        # The number of shards is fixed for ever when the log is made.
        log.shards = int(info.config.metadata["longhaul.shards"])
        return log

    def stream(self, subject):
        return f"LH_LOG_{subject.split('.')[1]}"

    def task_subject(self, org, task):
        return f"lh.{shard_of(org, self.shards)}.task.{org}.{task}"

    async def next(self, subject, after):
        """The first record after a place: (sequence, record), or None. The stream's leader answers,
        so it sees everything acknowledged before."""
        try:
            found = await self.js.get_msg(self.stream(subject), seq=after + 1, subject=subject, next=True)
        except NotFoundError:
            return None
        return found.seq, json.loads(found.data)

    async def load(self, payload):
        """The JSON of a payload: in the record itself, or in the object store under its digest."""
        if "inline" in payload:
            return payload["inline"]
        files = await self.js.object_store("LH_FILES")
        return json.loads((await files.get(payload["stored"]["sha256"])).data)

    async def append(self, subject, record, expect):
        """Appends a record if nothing came after `expect`, and gives its sequence. All four outcomes
        of an append end here: stored, conflict, did not happen, may have happened."""
        body = json.dumps(record).encode()
        headers = {"Nats-Expected-Last-Subject-Sequence": str(expect)}
        until = asyncio.get_running_loop().time() + DEADLINE
        in_doubt = False
        while True:
            conflict, why = False, None
            try:
                return (await self.js.publish(subject, body, headers=headers, timeout=5)).seq
            except APIError as error:
                if error.err_code not in CONFLICTS and not in_doubt:
                    raise  # Did not happen, and trying again does not help: full, too large.
                conflict, why = error.err_code in CONFLICTS, error
            except NoStreamResponseError as error:
                why = error  # Did not happen: the stream has no leader at this moment.
            except (TimeoutError, ConnectionClosedError) as error:
                in_doubt, why = True, error  # May have happened.
            # One's own record can only be the very next one. If that is another's, it never will be.
            try:
                found = await self.next(subject, expect)
            except (nats.errors.Error, APIError):
                pass  # Out of reach: nothing is known yet.
            else:
                if found and found[1].get("id") == record["id"]:
                    return found[0]
                if found or (conflict and not in_doubt):
                    raise Conflict(subject)
            if asyncio.get_running_loop().time() > until:
                raise why
            await asyncio.sleep(0.2)
