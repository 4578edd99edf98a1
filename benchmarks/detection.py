"""What the rules cost: characters of a pane read per second, against a bare search for the same anchors; and the slowest text."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from pydoc_data import topics
from typing import NamedTuple

import ahocorasick

from benchmarks.harness import REPOSITORY, Figure, MeasuringError, Options, median, options, report, say
from wa.agents.loader import Agents
from wa.detect.page import Page, page_of_rows, page_of_text
from wa.detect.reading import Detector
from wa.detect.watch import TAIL_ROWS
from wa.model.screen import Row

SCREENS = REPOSITORY / "tests" / "data" / "agents"
FOLDERS = {"codex": "codex", "claude-code": "claude_code", "gemini-cli": "gemini"}
COLS, VISIBLE = 120, 45
AT_MS, ZONE = 1_795_147_200_000, "America/Chicago"
PLAIN_PAGES, QUICK_PAGES = 200, 20
GOAL_PLAIN, GOAL_SCREENS = 0.70, 0.20
GOAL_SLOWEST_MS = 50.0
TRIED_AGAIN = 12
"""So many of the hostile texts, the slowest at first sight, are measured."""


class Sample(NamedTuple):
    """Pages that are read with the eyes of some agents."""

    pages: Sequence[Sequence[str]]
    agents: Sequence[str]

    @property
    def chars(self) -> int:
        return sum(len("\n".join(rows)) for rows in self.pages)


def main(argv: Sequence[str]) -> int:
    chosen = options(argv, __doc__ or "")
    return report(measure(chosen), as_json=chosen.json)


def measure(chosen: Options) -> list[Figure]:
    asked = asked_of_unknown(Agents(None).detectors)
    plain = plain_pages(asked, QUICK_PAGES if chosen.quick else PLAIN_PAGES)
    shown = screens()
    everything = [page for pages in shown.values() for page in pages]
    figures = []
    say("detection: text without anchors")
    for agent in shown:
        figures.append(throughput(f"plain text, {agent}", [Sample(plain, [agent])], GOAL_PLAIN, chosen.runs))
    figures.append(throughput("plain text, unknown program", [Sample(plain, asked)], GOAL_PLAIN, chosen.runs))
    say("detection: screens of agents")
    own = [Sample(pages, [agent]) for agent, pages in shown.items()]
    figures.append(throughput("screens, agent known", own, GOAL_SCREENS, chosen.runs))
    figures.append(throughput("screens, unknown program", [Sample(everything, asked)], GOAL_SCREENS, chosen.runs))
    figures.append(throughput("screens at first sight, agent known", own, None, chosen.runs))
    say("detection: hostile texts")
    figures += slowest(asked, chosen)
    return figures


def asked_of_unknown(detectors: Mapping[str, Detector]) -> list[str]:
    """The agents whose rules a pane is asked about while nobody knows its program."""
    return [name for name, detector in detectors.items() if detector.pack.composers]


# -- throughput ----------------------------------------------------------------------------------------------------------


def throughput(name: str, samples: Sequence[Sample], goal: float | None, runs: int) -> Figure:
    """Runs of both take turns, so that a machine that slows down slows both. Without *goal* each run has new detectors."""
    detectors = Agents(None).detectors
    bare = [
        (bare_automaton(detectors, sample.agents), ["\n".join(rows) for rows in sample.pages]) for sample in samples
    ]
    taken: list[float] = []
    yardstick: list[float] = []
    for run in range(2 * runs + 1):  # the first warms up
        if goal is None:
            detectors = Agents(None).detectors
        begin = time.thread_time()
        read(detectors, samples)
        between = time.thread_time()
        search(bare)
        if run:
            taken.append(between - begin)
            yardstick.append(time.thread_time() - between)
    chars = sum(sample.chars for sample in samples)
    pages = sum(len(sample.pages) for sample in samples)
    value, against = chars / median(taken) / 1e6, chars / median(yardstick) / 1e6
    return Figure(
        f"detection.read ({name})",
        value,
        "M chars/s",
        f"bare pyahocorasick {against:.3g} M chars/s",
        value / against,
        "-" if goal is None else f">= {goal:g}x",
        None if goal is None else value / against >= goal,
        f"{pages} pages of {chars // pages:,} characters, {median(taken) / pages * 1e6:.0f} µs each",
    )


def read(detectors: Mapping[str, Detector], samples: Sequence[Sample]) -> None:
    """The whole of it: from the rows of a page to state, events with their fields, dialog and draft."""
    for pages, agents in samples:
        for rows in pages:
            page = page_of_text(rows, COLS, VISIBLE)
            for agent in agents:
                detectors[agent].read(page, at_ms=AT_MS, zone=ZONE)


def search(bare: Sequence[tuple[ahocorasick.Automaton, Sequence[str]]]) -> int:
    found = 0
    for automaton, texts in bare:
        for text in texts:
            for _ in automaton.iter(text):
                found += 1
    return found


def bare_automaton(detectors: Mapping[str, Detector], agents: Sequence[str]) -> ahocorasick.Automaton:
    """One for all of the agents, of the literals as they stand in the rules; it looks at the text as it is."""
    automaton = ahocorasick.Automaton()
    for agent in agents:
        for anchor in anchors_of(detectors[agent]):
            automaton.add_word(anchor, anchor)
    automaton.make_automaton()
    return automaton


def anchors_of(detector: Detector) -> list[str]:
    return list(dict.fromkeys(anchor for rule in detector.pack.rules for anchor in rule.anchors))


def screens() -> dict[str, list[list[str]]]:
    """By agent; each is the text of one pane, history and screen."""
    found: dict[str, list[list[str]]] = {agent: [] for agent in FOLDERS.values()}
    for path in sorted(SCREENS.glob("*/*-120.txt")):
        agent = next((agent for word, agent in FOLDERS.items() if path.parent.name.startswith(word)), None)
        if agent is not None:
            found[agent].append(path.read_text("utf-8").removesuffix("\n").split("\n"))
    if not all(found.values()):
        raise MeasuringError(f"screens of agents are missing in {SCREENS}")
    return found


def plain_pages(agents: Sequence[str], count: int) -> list[list[str]]:
    """Prose and source of Python's own library in pages as large as a look at a pane, without those that hold an anchor."""
    detectors = Agents(None).detectors
    automaton = bare_automaton(detectors, agents)
    rows = [row.expandtabs()[:COLS] for text in library() for row in text.splitlines()]
    size = VISIBLE + TAIL_ROWS
    pages = (rows[at : at + size] for at in range(0, len(rows), size))
    found = [page for page in pages if not any(True for _ in automaton.iter("\n".join(page)))][:count]
    if len(found) < count:
        raise MeasuringError(f"only {len(found)} pages without an anchor")
    return found


def library() -> Iterator[str]:
    """What every CPython has: the prose of its help, and source of its larger modules."""
    yield from topics.topics.values()
    folder = Path(inspect.getfile(inspect)).parent
    for name in ("_pydecimal", "typing", "argparse", "tarfile", "subprocess", "mailbox", "inspect", "ast", "doctest"):
        yield (folder / f"{name}.py").read_text("utf-8")


# -- the slowest text ----------------------------------------------------------------------------------------------------


class Look(NamedTuple):
    """A hostile text as a pane shows it: cut by the terminal, or by nobody knows whom."""

    name: str
    rows: Sequence[str]
    cols: int
    is_cut: bool

    def ready(self) -> Callable[[], Page]:
        """What makes a page of it; that the terminal cuts the rows is not wa's work."""
        if not self.is_cut:
            return lambda: page_of_text(self.rows, None, VISIBLE)
        cut: list[Row] = []
        for text in self.rows:
            starts = range(0, max(1, len(text)), self.cols)
            cut += [Row(len(cut) + n, text[at : at + self.cols], at != starts[-1]) for n, at in enumerate(starts)]
        return lambda: page_of_rows(cut, self.cols, VISIBLE)


class Tried(NamedTuple):
    ms: float
    look: Look
    agents: tuple[str, ...]


class Slowest:
    """Of very many trials the slowest; the others are forgotten, all but their times."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._worst: list[Tried] = []

    def put(self, tried: Tried) -> None:
        self.times.append(tried.ms)
        self._worst = sorted([*self._worst, tried], key=lambda one: -one.ms)[:TRIED_AGAIN]

    def measured(self, title: str, detectors: Mapping[str, Detector], runs: int) -> Figure:
        again = [one._replace(ms=longest(detectors, one.look, one.agents, runs)) for one in self._worst]
        worst = max(again, key=lambda one: one.ms)
        usual = median(self.times)
        return Figure(
            f"detection.slowest ({title})",
            worst.ms,
            "ms",
            f"median of {len(self.times):,} texts {usual:.3g} ms",
            worst.ms / usual,
            f"<= {GOAL_SLOWEST_MS:g} ms",
            worst.ms <= GOAL_SLOWEST_MS,
            f"{worst.look.name}, read by {', '.join(worst.agents)}",
        )


def slowest(asked: Sequence[str], chosen: Options) -> list[Figure]:
    """Of one reading, and of all readings of one look at a pane of unknown program; a page is made once for each look."""
    detectors = Agents(None).detectors
    looks = chain(*(hostile(detectors[name], quick=chosen.quick) for name in asked), fillings(quick=chosen.quick))
    single, together = Slowest(), Slowest()
    for look in looks:
        times = [longest(detectors, look, (name,), 1) for name in asked]
        for name, taken in zip(asked, times, strict=True):
            single.put(Tried(taken, look, (name,)))
        # What is slow for all of them together is slow for one: they are tried one by one.
        together.put(Tried(sum(times), look, tuple(asked)))
    return [
        single.measured("one agent", detectors, chosen.runs),
        together.measured("unknown program", detectors, chosen.runs),
    ]


def longest(detectors: Mapping[str, Detector], look: Look, agents: Sequence[str], runs: int) -> float:
    """Median in ms, of looks of which none remembers the one before."""
    taken = []
    page_of_it = look.ready()
    for _ in range(runs):
        for agent in agents:
            detectors[agent].forget()
        begin = time.thread_time()
        page = page_of_it()
        for agent in agents:
            detectors[agent].read(page, at_ms=AT_MS, zone=ZONE)
        taken.append((time.thread_time() - begin) * 1000)
    return median(taken)


FILLERS = {
    "spaces": " ",
    "digits": "7",
    "digits and commas": "1,2",
    "letters": "a",
    "brackets": "[({",
    "closed brackets": "()[]{}",
    "quotes": "\"'",
    "box characters": "│",
    "rules": "─",
    "corners": "╭─╮│╰╯",
    "no-break spaces": "\u00a0",
    "ideographs": "額度",
    "joined emoji": "👩\u200d💻",
    "combining marks": "e\u0301",
    "words": "lorem ipsum ",
    "prompts": "$ % # > › ❯ ",
    "markers": "● • ⎿ ✻ ■ ⚠ ",
    "options": "1. a 2. b ",
    "addresses": "https://example.com/a?b=c&",
    "durations": "1h 2m 3s ",
}


def fillings(*, quick: bool) -> Iterator[Look]:
    """Texts that are simply much."""
    size = 100_000 if quick else 1_000_000
    for name, filler in FILLERS.items():
        long_row = (filler * (size // len(filler)))[:size]
        yield Look(f"1 row of {size:,} {name}", [long_row], 80, is_cut=False)
        yield Look(f"{size:,} {name}, cut at 80", [long_row], 80, is_cut=True)
        yield Look(f"rows of {name}", [(filler * 200)[:119]] * 2_000, 120, is_cut=False)
        yield Look(f"rows of {name} that grow", [(filler * 120)[: at % 120] for at in range(3_000)], 120, is_cut=False)
    yield Look("boxes that are never closed", ["╭──"] * 3_000, 120, is_cut=False)
    yield Look("boxes in boxes", ["│" * (at % 100) + "╭──╮" for at in range(3_000)], 120, is_cut=False)
    yield Look("a list without an end", [f"  {at}. option {at}" for at in range(1, 3_001)], 120, is_cut=False)
    whole = [row for pages in screens().values() for page in pages for row in page]
    for at in range(0, len(whole), 3_000):
        yield Look(f"3,000 rows of all screens from row {at:,} on", whole[at : at + 3_000], 120, is_cut=False)


def hostile(detector: Detector, *, quick: bool) -> Iterator[Look]:
    """Texts that make rules be asked again and again, or a pattern try many ways."""
    times = 1_000 if quick else 10_000
    marks = {
        f"behind {marker.name}": f"{' ' * min(marker.columns)}{marker.glyphs[0]} " + "\u00a0" * marker.nbsp
        for marker in detector.pack.markers
    }
    anchors = anchors_of(detector)
    for anchor in anchors[:: max(1, len(anchors) // 4) if quick else 1]:
        yield Look(f"{anchor!r} {times:,} times in a row", [anchor * times], 80, is_cut=False)
        yield Look(f"{anchor!r} in {times:,} rows", [anchor] * times, 80, is_cut=False)
        yield Look(f"{anchor!r} in every other of {times:,} rows", [anchor, ""] * (times // 2), 80, is_cut=False)
        yield Look(f"{anchor!r} in {times:,} boxes", ["╭──╮", f"│ {anchor} │", "╰──╯"] * (times // 3), 80, is_cut=False)
        yield Look(f"{anchor!r} {times:,} times, cut at 80", [f"{anchor} " * times], 80, is_cut=True)
        for name, mark in marks.items():
            yield Look(f"{anchor!r} {times:,} times {name}", [f"{mark}{anchor}"] * times, 80, is_cut=False)
            numbered = [f"{mark}{anchor} {at}" for at in range(min(times, 3_000))]
            yield Look(f"{anchor!r} {name}, each with a number", numbered, 80, is_cut=False)
        for name, filler in FILLERS.items():
            body = (filler * 4_000)[:4_000]
            yield Look(f"{anchor!r} before and behind {name}", [f"{anchor} {body} {anchor} {body}"], 120, is_cut=False)
    for name, mark in {"by themselves": "", **marks}.items():
        mixed = [f"{mark}{anchors[at % len(anchors)]} {at}" for at in range(3_000)]
        yield Look(f"all anchors of {detector.pack.name} {name}", mixed, 120, is_cut=False)
        parted = [row for text in mixed for row in (text, "")]
        yield Look(f"all anchors of {detector.pack.name} {name}, parted", parted, 120, is_cut=False)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
