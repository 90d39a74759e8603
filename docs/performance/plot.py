#!/usr/bin/env python3
"""Tables and plots for docs/performance.md, from the documents that `longhaul bench --json` wrote.

Reads every *.json beside this file, and three-nodes/*.json. Writes *.svg beside it, and replaces in ../performance.md what
stands between `<!-- table: NAME -->` and `<!-- end -->`. Whatever was not measured is left out.

Run it with `just performance`.
"""

import json
import re
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "performance.md"
MIB = 1 << 20
PROCESSES = ["nats_server", "scheduler", "projector", "executor", "client"]
COLOURS = {"relaxed": "#2a6f97", "strict": "#b5532b", "unknown": "#777777"}
PALETTE = ["#2a6f97", "#b5532b", "#6a994e", "#8d6a9f", "#c9a227"]


class Figures:
    """Every figure of every document, found by scenario, name, durability and case."""

    def __init__(self, documents):
        self.values = {}
        for document in documents:
            for scenario in document["scenarios"]:
                for figure in scenario["figures"]:
                    case = tuple(sorted(figure.get("case", {}).items()))
                    key = (scenario["scenario"], figure["name"], figure["durability"], case)
                    self.values.setdefault(key, []).extend(figure["values"])

    def median(self, scenario, name, durability, case=()):
        values = self.values.get((scenario, name, durability, tuple(case)))
        return statistics.median(values) if values else None

    def durabilities(self, scenario):
        found = {key[2] for key in self.values if key[0] == scenario}
        return sorted(found, key=list(COLOURS).index)

    def cases(self, scenario, axis):
        """The places along an axis that were measured: `finished`, `shards`, ..."""
        found = {case[0][1] for s, _, _, case in self.values if s == scenario and case and case[0][0] == axis}
        return sorted(found)


def number(value, unit=""):
    if value is None:
        return "–"
    if unit == "MiB":
        value /= MIB
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("| --- |" + " ---: |" * (len(header) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


HEADLINES = [
    ("no-op tasks from end to end", "throughput", "tasks_per_second", "/s"),
    ("CPU time a task, all processes", "throughput", "cpu_per_task", "ms"),
    ("submit to start, p50", "latency", "started_p50", "ms"),
    ("the same between parts that do nothing, p50", "latency", "bare_p50", "ms"),
    ("submit to start, p99", "latency", "started_p99", "ms"),
    ("submit to end visible, p50", "latency", "visible_p50", "ms"),
    ("submit to end visible, p99", "latency", "visible_p99", "ms"),
    ("abort to readable, 10 ms checkpoints, p50", "abort", "aborted_p50", "ms"),
    ("abort to readable, 10 ms checkpoints, p99", "abort", "aborted_p99", "ms"),
    ("abort to readable, handler listens, p50", "abort", "cut_short_p50", "ms"),
    ("words of one task, each awaited", "progress", "awaited_per_second", "/s"),
    ("words of one task, a hundred at once", "progress", "pipelined_per_second", "/s"),
    ("steps of one task", "progress", "steps_per_second", "/s"),
    ("memory of all sleeping tasks", "sleeping", "executor_added", "MiB"),
    ("events followed and decoded", "replay", "followed_per_second", "/s"),
    ("events folded into snapshots", "replay", "folded_per_second", "/s"),
    ("events made into a read model", "replay", "rebuilt_per_second", "/s"),
]


def headlines(figures):
    kinds = [one for one in COLOURS if any(one in figures.durabilities(s) for _, s, _, _ in HEADLINES)]
    rows = []
    for what, scenario, name, unit in HEADLINES:
        values = [figures.median(scenario, name, kind) for kind in kinds]
        if any(value is not None for value in values):
            rows.append([what] + [number(value, unit) for value in values])
    return table(["figure (median)"] + kinds, rows)


def costs(figures):
    kinds = figures.durabilities("throughput")
    rows = []
    for process in PROCESSES:
        values = [figures.median("throughput", f"cpu_per_task_{process}", kind) for kind in kinds]
        if any(value is not None for value in values):
            rows.append([process.replace("_", "-")] + [number(value, "ms") for value in values])
    return table(["CPU time a task"] + kinds, rows)


def three_nodes():
    """One row for each kind and number of shards: how much went through, how long one waited."""
    rows = {}
    for path in sorted((HERE / "three-nodes").glob("*.json")):
        for scenario in json.loads(path.read_text())["scenarios"]:
            for figure in scenario["figures"]:
                row = rows.setdefault((figure["durability"], scenario["parameters"]["shards"]), {})
                row[figure["name"]] = statistics.median(figure["values"])
    columns = [("tasks", "tasks_per_second", "/s"), ("start, p50", "started_p50", "ms"), ("p99", "started_p99", "ms")]
    cells = [
        [f"{kind}, {shards}"] + [number(row.get(name), unit) for _, name, unit in columns]
        for (kind, shards), row in sorted(rows.items())
    ]
    return table(["three servers, shards"] + [what for what, _, _ in columns], cells)


GROWTH = {
    "finished": [
        ("start, p50", "started_p50", "ms"),
        ("start, p99", "started_p99", "ms"),
        ("nats-server", "memory_nats_server", "MiB"),
        ("scheduler", "memory_scheduler", "MiB"),
        ("projector", "memory_projector", "MiB"),
        ("log", "log", "MiB"),
        ("nats-server starts", "server_start", "s"),
        ("scheduler starts", "scheduler_start", "s"),
        ("projector starts", "projector_start", "s"),
        ("projector from nothing", "projector_start_from_nothing", "s"),
    ],
    "shards": [
        ("tasks", "tasks_per_second", "/s"),
        ("CPU a task", "cpu_per_task", "ms"),
        ("start, p50", "started_p50", "ms"),
        ("start, p99", "started_p99", "ms"),
        ("nats-server", "memory_nats_server", "MiB"),
    ],
    "executors": [
        ("tasks", "tasks_per_second", "/s"),
        ("CPU a task", "cpu_per_task", "ms"),
        ("start, p50", "started_p50", "ms"),
        ("start, p99", "started_p99", "ms"),
        ("all executors", "memory_executor", "MiB"),
    ],
    "organisations": [
        ("last one waits", "last_organisation", "ms"),
        ("others, p50", "others_p50", "ms"),
        ("others, p99", "others_p99", "ms"),
        ("the flood, p50", "first_waited_p50", "ms"),
        ("the flood, p99", "first_waited_p99", "ms"),
    ],
}


def growth(figures, axis):
    columns = GROWTH[axis]
    rows = []
    for kind in figures.durabilities("growth"):
        for place in figures.cases("growth", axis):
            values = [figures.median("growth", name, kind, [(axis, place)]) for _, name, _ in columns]
            if any(value is not None for value in values):
                cells = [number(value, unit) for value, (_, _, unit) in zip(values, columns)]
                rows.append([f"{place:,}", kind] + cells)
    return table([axis, "durability"] + [title for title, _, _ in columns], rows) if rows else ""


def machine(documents):
    lines = {}
    for document in documents:
        about, versions = document["machine"], document["versions"]
        names = ", ".join(scenario["scenario"] for scenario in document["scenarios"])
        memory = about.get("memory_bytes", 0) / (1 << 30)
        kind = "virtual" if about["virtual_machine"] else "real"
        what = (
            f"{about['cores']} {kind} cores of {about.get('processor', about['system'])}, {memory:.0f} GiB, "
            f"kernel {about.get('kernel', 'unknown')}, {about.get('file_system', 'unknown file system')}; "
            f"longhaul {versions['longhaul']} ({versions['build']}), nats-server {versions['nats_server']}"
        )
        lines.setdefault(what, []).append(f"{names} ({document['begun_at'][:10]})")
    return "\n".join(f"- {what}: {', '.join(sorted(names))}" for what, names in lines.items())


def syncs(documents):
    spans = [document["machine"]["sync_ms"] for document in documents if "sync_ms" in document["machine"]]
    if not spans:
        return ""
    return (
        f"One write of 4 KiB with fdatasync took {min(spans):.2f} to {max(spans):.2f} ms there "
        f"(median of 40, before each measurement)."
    )


def axes(title, x, y):
    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    ax.set_title(title, fontsize=10)
    ax.set_xlabel(x, fontsize=9)
    ax.set_ylabel(y, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", linewidth=0.4, alpha=0.6)
    ax.tick_params(labelsize=8)
    return figure, ax


def logarithmic(axis):
    """1, 2 and 5 of each power of ten, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def save(figure, name):
    # No date inside: the same figures give the same file.
    figure.savefig(HERE / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
    print(f"wrote {name}.svg")


def plot_costs(figures):
    kinds = figures.durabilities("throughput")
    if not kinds:
        return
    figure, ax = axes("CPU time of a no-op task, by process", "", "ms")
    base = [0.0] * len(kinds)
    for process, colour in zip(PROCESSES, PALETTE):
        values = [figures.median("throughput", f"cpu_per_task_{process}", kind) or 0.0 for kind in kinds]
        ax.bar(kinds, values, bottom=base, width=0.5, color=colour, label=process.replace("_", "-"))
        base = [low + value for low, value in zip(base, values)]
    ax.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    save(figure, "cpu-per-task")


def plot_waits(figures):
    kinds = figures.durabilities("latency")
    if not kinds:
        return
    places = ["p50", "p90", "p99", "max"]
    figure, ax = axes("Waits at 50 tasks a second", "", "ms")
    for kind in kinds:
        for name, style in [("started", "-"), ("visible", "--")]:
            values = [figures.median("latency", f"{name}_{place}", kind) for place in places]
            if None not in values:
                label = f"{'start' if name == 'started' else 'end visible'}, {kind}"
                ax.plot(places, values, style, marker="o", markersize=3, color=COLOURS[kind], label=label)
    ax.set_yscale("log")
    logarithmic(ax.yaxis)
    ax.legend(fontsize=8, frameon=False)
    save(figure, "waits")


def plot_growth(figures, axis, names, title, unit, file, log_y=False):
    figure, ax = axes(title, axis, unit)
    drawn = False
    scale = MIB if unit == "MiB" else 1
    for kind in figures.durabilities("growth"):
        for (label, name), style in zip(names, ["-", "--", ":", "-."]):
            points = [(x, figures.median("growth", name, kind, [(axis, x)])) for x in figures.cases("growth", axis)]
            points = [(x, y / scale) for x, y in points if y is not None]
            if points:
                drawn = True
                ax.plot(*zip(*points), style, marker="o", markersize=3, color=COLOURS[kind], label=f"{label}, {kind}")
    if not drawn:
        return plt.close(figure)
    places = figures.cases("growth", axis)
    ax.set_xscale("log" if places[-1] >= 100 else "linear")
    ax.set_xticks(places, [f"{place:,}" for place in places])
    ax.xaxis.set_minor_formatter(NullFormatter())
    if log_y:
        ax.set_yscale("log")
        logarithmic(ax.yaxis)
    else:
        ax.set_ylim(0, ax.get_ylim()[1] * 1.05)
    ax.legend(fontsize=8, frameon=False)
    save(figure, file)


def main():
    paths = sorted(HERE.glob("*.json"))
    documents = [json.loads(path.read_text()) for path in paths]
    if not documents:
        sys.exit(f"nothing is measured yet: longhaul bench all --json {HERE}/all.json")
    for path, document in zip(paths, documents):
        if document["format"] != 1:
            sys.exit(f"{path.name} has format {document['format']}; this script reads 1")
        if document["versions"]["build"] != "release":
            sys.exit(f"{path.name} was measured with a debug build; measure with a release build")
    figures = Figures(documents)
    tables = {
        "machine": "\n\n".join(part for part in [machine(documents), syncs(documents)] if part),
        "headlines": headlines(figures),
        "costs": costs(figures),
        "three-nodes": three_nodes(),
        **{axis: growth(figures, axis) for axis in GROWTH},
    }
    plt.rcParams["svg.hashsalt"] = "longhaul"
    plot_costs(figures)
    plot_waits(figures)
    starts = [("p50", "started_p50"), ("p99", "started_p99")]
    plot_growth(figures, "finished", starts, "Submit to start, after so many finished tasks", "ms", "growth-start")
    memory = [(name.replace("_", "-"), f"memory_{name}") for name in PROCESSES[:3]]
    plot_growth(figures, "finished", memory, "Memory after so many finished tasks", "MiB", "growth-memory", True)
    begin = [("nats-server", "server_start"), ("scheduler", "scheduler_start"), ("projector", "projector_start")]
    plot_growth(figures, "finished", begin, "Start-up after so many finished tasks", "s", "growth-start-up", True)
    flow = [("tasks", "tasks_per_second")]
    plot_growth(figures, "shards", flow, "No-op tasks over shards", "1/s", "growth-shards")
    plot_growth(figures, "executors", flow, "No-op tasks over executors", "1/s", "growth-executors")
    waits = [("last organisation", "last_organisation"), ("the flood, p50", "first_waited_p50")]
    plot_growth(figures, "organisations", waits, "Waits under a flood by the first", "ms", "growth-fairness", True)

    page = PAGE.read_text()
    for name, text in tables.items():
        mark = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, found = mark.subn(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page)
        print(f"{'filled' if found else 'no place for'} the table {name}")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
