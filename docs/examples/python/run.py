"""One run of a task, as the executor that holds it writes it down."""

import json
import time

import longhaul
from fold import UNDER_WAY, Task, millis

# What is done already is recorded even if an abort came in between; nothing else is.
DONE = {"step_completed", "text_appended", "progressed", "usage_recorded", "artifact_stored"}


class Over(Exception):
    """The run has ended, by one's own word or by another's: nothing more is to be written."""


class Run:
    """A run, and the only writer of its events."""

    def __init__(self, executor, dispatch):
        self.executor, self.log = executor, executor.log
        self.org, self.task, self.number = dispatch["org"], dispatch["task"], dispatch["run"]
        self.dispatch = dispatch
        self.subject = self.log.task_subject(self.org, self.task)
        self.state = Task()
        self.began, self.recorded = time.monotonic(), False

    async def catch_up(self):
        while found := await self.log.next(self.subject, self.state.sequence):
            self.state.fold(*found)

    async def append(self, *events):
        record = longhaul.commit(self.task, "executor", self.executor.id, events)
        sequence = await self.log.append(self.subject, record, self.state.sequence)
        self.state.fold(sequence, record)

    async def start(self):
        """Whether the run is ours. Of all who try, the log lets one write `started`."""
        while True:
            await self.catch_up()
            state, dispatch = self.state, self.dispatch
            if state.status != "pending" or state.next_run != self.number or state.abort:
                return state.run == self.number and state.executor == self.executor.id and self.is_under_way()
            started = {"run": self.number, "executor": self.executor.id, "version": "shout/1"}
            try:
                await self.append({"started": {**started, "ledger": dispatch["ledger"], "why": dispatch["why"]}})
            except longhaul.Conflict:
                pass

    def is_under_way(self):
        return self.state.run == self.number and self.state.status in UNDER_WAY

    async def write(self, checkpoint, *events):
        """Records events of this run. A conflict is how one hears of what others wrote, an abort or a
        takeover, so a run may end wherever it writes; `checkpoint` says where that was."""
        while self.is_under_way():
            if self.state.status == "aborting":
                done = [event for event in events if DONE & event.keys()]
                events = [*done, {"aborted": {"run": self.number, "checkpoint": checkpoint}}]
            try:
                await self.append(*events)
                if self.is_under_way():
                    return
            except longhaul.Conflict:
                await self.catch_up()
        raise Over

    async def checkpoint(self, name):
        """Ends the run here if its time is over. What is recorded is there for the next run."""
        limits = {"slice": 300_000, "span": 7_200_000, **self.state.submission.get("limits", {})}
        ran = self.state.ran + millis(longhaul.now()) - self.state.began
        # A slice ends only a run that has recorded a step: else the next one would do the same again.
        sliced = self.recorded and (time.monotonic() - self.began) * 1000 >= limits["slice"]
        if ran >= limits["span"]:
            why = {"span": {"span": limits["span"], "ran": ran}}
            await self.write(name, {"expired": {"run": self.number, "why": why}})
        elif sliced or self.executor.draining:
            why = "drain" if self.executor.draining else "slice"
            await self.write(name, {"continued": {"run": self.number, "why": why}})

    async def step(self, name, place, of, work):
        """Does a step, once in all the runs of the task: a result that is recorded is taken as it is."""
        recorded = self.state.steps.get(name)
        if recorded:
            return await self.log.load(recorded)
        await self.checkpoint(name)
        await self.write(name, {"step_started": {"run": self.number, "step": name, "index": place, "of": of}})
        result = await work()
        # Whoever watches hears the text at once, and finds it in the log a moment later.
        text = {"run": self.number, "segment": 2 * place + 1, "offset": 0, "text": f"{result} "}
        await self.log.nc.publish(f"lh.live.{self.org}.{self.task}", json.dumps(text).encode())
        completed = {"run": self.number, "step": name, "index": place, "result": {"inline": result}}
        progressed = {"run": self.number, "fraction": (place + 1) / of}
        self.recorded = True
        await self.write(name, {"text_appended": text}, {"step_completed": completed}, {"progressed": progressed})
        return result
