"""Terminal output made up for the store's benchmarks: the same for the same seed.

Shaped like what was recorded of agents and shells: prose wrapped at 80 columns, code, logs, listings, boxes; words
drawn by a Zipf law from a few hundred common ones and a long tail of made-up ones, paths, hashes, numbers, now and
then a secret.
"""

from __future__ import annotations

import itertools
import random
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

COMMON = re.findall(
    r"\w+",
    """
    the to of a and in is for that it with on this be as are from by not or an if you can at all when will file
    have which your use run code test has was new error function line value now one should no but so only do
    data then more type set return first into any read some write after there name before other also each path
    call we they add than list up how change same build out output state need key check make case does next time
    user work message number process command string token import class where server result update start version
    server log found option default request field pane step plan because already still between while without
    print open module table index query row column server object method config fix issue branch commit merge
    push local remote session agent model prompt answer tool apply patch diff edit search match rule buffer
    stream socket
    """,
)
SYLLABLES = re.findall(
    r"\w+",
    """
    ka lo mi ren tus vor ex pan dal sin qui tra bel on um er ic al ti for wes nox gra phi zet mun cor del hap
    jin ost
    """,
)
TAIL = 60_000


def vocabulary(seed: int = 1) -> tuple[list[str], list[float]]:
    """Words, most frequent first, and their cumulated weights."""
    chance = random.Random(seed)
    words = list(dict.fromkeys(COMMON))
    known = set(words)
    while len(words) < TAIL:
        word = "".join(chance.choices(SYLLABLES, k=chance.choice((2, 2, 3, 3, 4))))
        if word not in known:
            known.add(word)
            words.append(word)
    return words, list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))


class Text:
    """An endless source of rows."""

    def __init__(self, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self.words, self._weights = vocabulary()
        self.frequency = self._weights
        self._kinds = [self._prose, self._prose, self._code, self._log, self._listing, self._box]

    def word(self) -> str:
        place = self._chance.random() * self._weights[-1]
        return self.words[bisect_left(self._weights, place)]

    def rows(self) -> Iterator[str]:
        while True:
            yield from self._chance.choice(self._kinds)()

    def take(self, count: int) -> list[str]:
        return list(itertools.islice(self.rows(), count))

    def _words(self, count: int) -> list[str]:
        weights, last = self._weights, self._weights[-1]
        return [self.words[bisect_left(weights, self._chance.random() * last)] for _ in range(count)]

    def _prose(self) -> list[str]:
        text = "• " + " ".join(self._words(self._chance.randint(12, 70))) + "."
        rows, width = [], 78
        while text:
            cut = text.rfind(" ", 0, width) if len(text) > width else len(text)
            rows.append("  " + text[:cut].strip())
            text = text[cut:].strip()
        return [*rows, ""]

    def _code(self) -> list[str]:
        rows = []
        for _ in range(self._chance.randint(4, 14)):
            name, call, value = self._words(3)
            indent = " " * self._chance.choice((0, 4, 4, 8, 8, 12))
            rows.append(
                self._chance.choice(
                    (
                        f"{indent}{name} = {call}({value}, {self._chance.randint(0, 99)})",
                        f"{indent}if {name}.{call} is not None and {value}:",
                        f'{indent}return "{name} {call}" + self._{value}',
                        f"{indent}def {name}_{call}(self, {value}: int) -> None:",
                        f"{indent}# {name} {call} {value}",
                        "",
                    )
                )
            )
        return rows

    def _log(self) -> list[str]:
        rows = []
        for _ in range(self._chance.randint(2, 12)):
            day, hour, second = self._chance.randint(1, 28), self._chance.randint(0, 23), self._chance.randint(0, 59)
            identity, took = self._chance.getrandbits(40), self._chance.randint(1, 900)
            words = " ".join(self._words(self._chance.randint(3, 9)))
            start = f"2026-11-{day:02d}T{hour:02d}:14:{second:02d}Z INFO  [{self.word()}]"
            rows.append(f"{start} {words} id={identity:010x} took {took} ms")
        if self._chance.random() < 0.01:
            rows.append(f"Authorization: Bearer {self._chance.getrandbits(200):050x}")
        return rows

    def _listing(self) -> list[str]:
        return [
            f"-rw-r--r-- 1 dev dev {self._chance.randint(10, 99999):>6} Nov {self._chance.randint(1, 28):>2} 09:12 "
            f"src/{self.word()}/{self.word()}_{self.word()}.py"
            for _ in range(self._chance.randint(3, 20))
        ]

    def _box(self) -> list[str]:
        inside = [" ".join(self._words(self._chance.randint(3, 9)))[:70] for _ in range(self._chance.randint(1, 4))]
        return ["╭" + "─" * 74 + "╮", *(f"│ {text:<72} │" for text in inside), "╰" + "─" * 74 + "╯"]


def by_frequency(text: Text, count: int, seed: int) -> Sequence[str]:
    """Words drawn as often as they are used, for queries."""
    chance = random.Random(seed)
    weights = text.frequency
    return [text.words[bisect_left(weights, chance.random() * weights[-1])] for _ in range(count)]
