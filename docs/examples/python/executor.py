"""An executor of the kind `shout`: {"text": "hello there"} becomes {"text": "HELLO THERE"}, a step a word.

    python executor.py --nats nats://TOKEN@127.0.0.1:4222 [--pace SECONDS] [--places N]

It may be killed at any moment: what was recorded is not done again by whoever takes over. SIGINT and
SIGTERM let its runs go on elsewhere, and then end it.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys

import longhaul
from run import Over, Run

KIND = "shout"
BEAT = 1  # Seconds. A run whose executor was not heard for 15 is lost.


async def shout(run, pace):
    """The handler: ordinary code, but for the steps."""
    given = await run.log.load(run.state.submission["input"])
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        error = {"code": "bad_input", "message": 'give {"text": "..."}', "retryable": False}
        await run.write("start", {"failed": {"run": run.number, "error": error}})
    words, loud = given["text"].split(), []
    for place, word in enumerate(words):

        async def work():
            await asyncio.sleep(pace)
            return word.upper()

        loud.append(await run.step(f"word {place + 1}", place, len(words), work))
    await run.write("end", {"completed": {"run": run.number, "output": {"inline": {"text": " ".join(loud)}}}})


class Executor:
    def __init__(self, log, args):
        # Fresh at each start: a process that comes back is another executor.
        self.id, self.log, self.args = longhaul.new_id(), log, args
        self.free, self.held, self.draining = asyncio.Semaphore(args.places), {}, False
        self.changed, self.tasks = asyncio.Event(), set()

    async def beat(self):
        """Says which runs are held and how many more would be taken: at once when that changes, and
        every second. A scheduler admits only what somebody has room for."""
        host = f"{socket.gethostname()}/{os.getpid()}"
        while True:
            self.changed.clear()
            free = 0 if self.draining else self.args.places - len(self.held)
            word = {"executor": self.id, "at": longhaul.now(), "version": "shout/1", "host": host}
            word["kinds"] = [{"kind": KIND, "places": self.args.places, "free": free}]
            word["runs"] = [{"org": run.org, "task": run.task, "run": run.number} for run in self.held.values()]
            word["draining"] = self.draining
            await self.log.nc.publish(f"lh.beat.{self.id}", json.dumps(word).encode())
            try:
                await asyncio.wait_for(self.changed.wait(), BEAT)
            except asyncio.TimeoutError:
                pass

    async def listen(self):
        """Takes the runs that are handed to this executor, as far as there are places."""
        handed = await self.log.nc.subscribe(f"lh.run.{KIND}.{self.id}")

        async def take():
            async for message in handed.messages:
                await self.free.acquire()  # What came too early waits for a place.
                task = asyncio.create_task(self.attend(json.loads(message.data)))
                self.tasks.add(task)  # Else nothing but chance keeps it alive.
                task.add_done_callback(self.tasks.discard)

        return asyncio.create_task(take())

    async def attend(self, dispatch):
        """Starts a run, if it is still to be started, and sees it to its end."""
        run = Run(self, dispatch)
        key = (run.org, run.task, run.number)
        try:
            # Held before it is started: no beat after the start may lack it.
            is_new = not self.draining and self.held.setdefault(key, run) is run
            self.changed.set()
            # If not: started by somebody else, or aborted, or it is handed out again.
            if is_new and await run.start():
                await shout(run, self.args.pace)
        except Over:
            print(f"{run.task} run {run.number}: {run.state.status}", file=sys.stderr)
        except Exception as error:  # The run is lost: it is not in the next beat.
            print(f"{run.task} run {run.number}: {error!r}", file=sys.stderr)
        finally:
            if self.held.get(key) is run:
                del self.held[key]
            self.free.release()
            self.changed.set()


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    longhaul.arguments(parser)
    parser.add_argument("--pace", type=float, default=0.2, metavar="SECONDS", help="how long a word takes")
    parser.add_argument("--places", type=int, default=2, metavar="N", help="how many runs at once")
    args = parser.parse_args()

    executor = Executor(await longhaul.Log.connect(args), args)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Before the first beat: what is handed to it from then on is heard.
    taker = await executor.listen()
    beat = asyncio.create_task(executor.beat())
    print(f"executor {executor.id} takes {KIND}", file=sys.stderr)
    await asyncio.wait({taker, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)

    executor.draining = True
    executor.changed.set()
    taker.cancel()
    for _ in range(args.places):  # Every place is free once every run has reached a checkpoint.
        await executor.free.acquire()
    beat.cancel()
    await executor.log.nc.flush()
    await executor.log.nc.close()


if __name__ == "__main__":
    asyncio.run(main())
