"""The fold: what a task's records, read in order, say of it.

It never fails on what it can read. What does not follow from the state is ignored: a word its writer's
role may not say, an event of a run that is not the current one, anything after the end but what may
follow it.
"""

from datetime import datetime

ENDED = {"completed", "failed", "aborted", "expired"}
UNDER_WAY = {"running", "aborting"}
# Which roles may say what. A decision that says `lapsed` is the scheduler's, any other a client's.
SAID_BY = {
    **dict.fromkeys(("submitted", "approval_decided", "abort_requested", "dismissed", "erased"), {"client"}),
    **dict.fromkeys(("started", "step_started", "progressed", "step_completed", "text_appended"), {"executor"}),
    **dict.fromkeys(("usage_recorded", "artifact_stored", "approval_requested", "continued"), {"executor"}),
    **dict.fromkeys(("completed", "failed"), {"executor"}),
    **dict.fromkeys(("aborted", "retried"), {"client", "executor", "scheduler"}),
    "expired": {"executor", "scheduler"},
    "lost": {"scheduler"},
}
# What an abort that was asked for is not overtaken by.
NOT_ABORTING = {"completed", "failed", "continued", "approval_requested"}


def millis(at):
    return round(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() * 1000)


class Task:
    """One task, folded up to `sequence`."""

    def __init__(self):
        self.status = None  # There is no such task until `submitted` is read.
        self.sequence = self.events = 0

    def fold(self, sequence, record):
        """Folds one record; gives (kind, why it was ignored or None, status after it) of its events."""
        if record["v"] != 1:
            raise ValueError(f"record {sequence} has version {record['v']!r}: update this program")
        role, at, told = record["actor"]["role"], record["at"], []
        if role not in ("client", "executor", "scheduler"):
            raise ValueError(f"record {sequence} was written in the unknown role {role!r}")
        for event in record["events"]:
            [(kind, body)] = event["body"].items()
            if kind not in SAID_BY:
                raise ValueError(f"record {sequence} has an event of the unknown kind {kind!r}")
            lapsed = kind == "approval_decided" and body["decision"] == "lapsed"
            may_say = role in ({"scheduler"} if lapsed else SAID_BY[kind])
            ignored = self.apply(kind, body, millis(at)) if may_say else "role"
            self.events += ignored is None
            told.append((kind, ignored, self.status))
        self.sequence = sequence
        return told

    def apply(self, kind, body, at):
        """Applies one event; says why if it is ignored."""
        if kind == "submitted":
            return self.submit(body) if self.status is None else "exists"
        if kind == "erased" and body["skeleton"]["status"] in ENDED and body["skeleton"]["events"] > self.events:
            # An erased task's earlier records are gone; the one that erased it carries what is kept.
            kept = body["skeleton"]
            self.submit(kept["submission"])
            self.status, self.run, self.next_run = kept["status"], kept["run"], kept["next_run"]
            self.attempt, self.erased, self.events = kept["attempt"], True, kept["events"]
            return None
        if self.status is None:
            return "no task"
        own = getattr(self, "on_" + kind, None)
        return own(body, at) if own else self.on_run(kind, body, at)

    def submit(self, body):
        self.submission, self.status = body, "pending"
        self.run, self.next_run, self.attempt, self.executor = 0, 1, 1, None
        self.steps = {one["step"]: one["result"] for one in body.get("inherited", [])}  # In their order.
        self.text, self.open, self.abort = {}, None, None
        self.ran, self.lost, self.erased = 0, False, False

    def on_started(self, body, at):
        if self.status != "pending" or self.abort:
            return "status"
        if body["run"] != self.next_run:
            return "fenced"
        self.run, self.next_run, self.executor = body["run"], body["run"] + 1, body["executor"]
        self.status, self.began, self.lost = "running", at, False

    def on_run(self, kind, body, at):
        """What only the run under way may say, and `lost` of it."""
        if body["run"] != self.run:
            return "fenced"
        if self.status not in UNDER_WAY or (self.status == "aborting" and kind in NOT_ABORTING):
            return "status"
        if kind in ("step_started", "step_completed"):
            # A step keeps its place; begun again it is by a later run; recorded it is once.
            step, place = body["step"], list(self.steps).index(body["step"]) if body["step"] in self.steps else None
            is_new = place is None and kind == "step_started" and body["index"] == len(self.steps)
            if not is_new and (place != body["index"] or self.steps[step] is not None):
                return "mismatch"
            self.steps[step] = body.get("result")
        elif kind == "text_appended":
            run, length = self.text.get(body["segment"], (0, 0))
            if body["offset"] != (length if run == body["run"] else 0):
                return "mismatch"
            self.text[body["segment"]] = (body["run"], body["offset"] + len(body["text"].encode()))
        elif kind == "approval_requested":
            self.open = body["approval"]
            self.end_run("paused", at)
        elif kind in ("continued", "lost"):
            # What a lost run did after its last beat is unknown, and does not count.
            self.end_run("pending", millis(body["last_beat"]) if body.get("last_beat") else at)
            self.lost = kind == "lost"
        elif kind in ENDED:
            self.end_run(kind, at)

    def end_run(self, status, at):
        if self.status in UNDER_WAY:
            self.ran += max(0, at - self.began)  # What this attempt used of its span.
        self.status, self.lost = status, False

    def on_approval_decided(self, body, at):
        if self.status != "paused":
            return "status"
        if body["approval"] != self.open:
            return "mismatch"
        self.open, self.status = None, "pending"

    def on_abort_requested(self, body, at):
        if self.status in ENDED or self.abort:
            return "status"
        self.abort = body
        self.status = "aborting" if self.status == "running" else self.status

    def on_aborted(self, body, at, to="aborted"):
        if self.status in ENDED or bool(self.abort) != (to == "aborted"):
            return "status"
        if self.status in UNDER_WAY and body.get("run") != self.run:
            return "fenced"
        self.end_run(to, at)

    def on_expired(self, body, at):
        return self.on_aborted(body, at, to="expired")

    def on_retried(self, body, at):
        # A retry leaves a number out: of a loss there is one.
        first = self.next_run == self.run + 1
        after_loss = self.status == "pending" and self.lost and first and not self.abort
        if not after_loss and self.status not in ("failed", "aborted", "expired"):
            return "status"
        if body["attempt"] != self.attempt + 1 or self.erased:
            return "mismatch"
        self.attempt, self.next_run, self.status = body["attempt"], self.next_run + 1, "pending"
        self.ran, self.abort, self.open = 0, None, None

    def on_dismissed(self, body, at):
        return None if self.status in ENDED else "status"

    def on_erased(self, body, at):
        if self.status not in ENDED:
            return "status"
        self.erased, self.steps, self.text, self.ran, self.abort = True, {}, {}, 0, None
