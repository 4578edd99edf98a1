"""A screen without a history: the primary one before its first scroll, or an alternate one. The wire does not say
which.

What each can do tells them apart. Only switching screens, or clearing one, sends every row anew with other text; only
on an alternate screen do rows scroll away without a trace; and the frame that was there before comes back when the
alternate screen closes. So screens are stacked: a wholesale change lays one on top, the return of an earlier frame
takes everything above it off again.
"""

from __future__ import annotations

from collections.abc import Sequence

from wa.ingest.alternate import Alternate
from wa.ingest.checkpoint import Stay, marks
from wa.ingest.ledger import Ledger
from wa.model.observation import ScreenPush
from wa.model.screen import Row

MAX_LAYERS = 6
SAME_SHARE = 0.8
"""Of a screen's inked rows, for it to count as the same screen again."""
SHIFTED_SHARE = 0.5
"""The same, where its history has begun to scroll."""
KEPT_SHARE = 0.34


class Layer:
    """A screen as it looked when it was last on top; rows by their marks, so that a restart does not change them."""

    def __init__(self, screen: Alternate, names: Sequence[int]) -> None:
        self.screen = screen
        self.names = tuple(names)

    @property
    def blank(self) -> bool:
        return not any(self.names)

    def agrees(self, names: Sequence[int], first: int, share: float) -> bool:
        """Whether *names* are this screen's rows from *first* on."""
        pairs = [(now, was) for now, was in zip(names, self.names[first:], strict=False) if was]
        if not pairs:
            return self.blank and not any(names)
        return sum(1 for now, was in pairs if now == was) >= share * len(pairs)


class Bare:
    def __init__(self, ledger: Ledger, rows: Sequence[Row], seen: ScreenPush) -> None:
        self.ledger = ledger
        self.layers = [Layer(Alternate(ledger, rows, seen, certain=False), marks(row.text for row in rows))]

    @classmethod
    def resumed(cls, ledger: Ledger, stay: Stay, newest: Sequence[Row], rows: Sequence[Row], seen: ScreenPush) -> Bare:
        bare = cls(ledger, rows, seen)
        blank = [Row(index, "") for index in seen.dims.viewport]
        nothing = Alternate(ledger, blank, seen._replace(mouse_grabbed=False), certain=False)
        for names in reversed(stay.below):
            bare.layers.insert(0, Layer(nothing, names))
        names = marks(row.text for row in rows)
        for back, layer in enumerate(bare.layers[:-1]):
            if layer.agrees(names, 0, SAME_SHARE):
                del bare.layers[back + 1 :]
                bare.layers[back].screen = Alternate(ledger, rows, seen, certain=False)
                return bare
        bare.top.screen.resume(stay, newest, rows, seen)
        return bare

    @property
    def top(self) -> Layer:
        return self.layers[-1]

    @property
    def is_alt(self) -> bool | None:
        """None: cannot tell yet."""
        screen = self.top.screen
        return True if screen.likely or (len(self.layers) > 1 and screen.scrolled) else None

    def look(self, rows: Sequence[Row], seen: ScreenPush, *, whole: bool) -> None:
        """*whole*: the push named every row of the screen as changed."""
        names = marks(row.text for row in rows)
        if seen.dims[:2] == self.top.screen.dims[:2] and whole and not self._kept(names):
            back = self._back_to(names, seen)
            if back is not None:
                self._take_off(back, seen.at_ms)
            elif len(names) == len(self.top.names) and not self.top.screen.goes_on(rows, seen):
                self.layers.append(Layer(Alternate(self.ledger, rows, seen, certain=False), names))
                del self.layers[1 : len(self.layers) - MAX_LAYERS + 1]
        self.top.screen.look(rows, seen)
        self.top.names = names

    def _back_to(self, names: Sequence[int], seen: ScreenPush) -> int | None:
        """Which of the screens below shows again."""
        below = range(len(self.layers) - 2, -1, -1)
        back = next((i for i in below if self.layers[i].agrees(names, 0, SAME_SHARE)), None)
        if back is None and below and self.top.screen.mouse and not seen.mouse_grabbed:
            # Its rows were wrapped anew meanwhile, but the program that held the mouse has let go.
            back = below[0]
        return back

    def _kept(self, names: Sequence[int]) -> bool:
        """Enough of the screen is as it was, or has only moved."""
        inked = {name for name in self.top.names if name}
        return tuple(names) == self.top.names or (
            bool(inked) and len(inked.intersection(names)) > KEPT_SHARE * len(inked)
        )

    def _take_off(self, back: int, at_ms: int) -> None:
        """The frame of `layers[back]` is there again: what lay above it has closed."""
        above = self.layers[back + 1 :]
        del self.layers[back + 1 :]
        if self.top.blank:
            # Where nothing was printed before the program began; the mouse it took is free again.
            self.top.screen.mouse = False
        elif self.top.screen.likely:
            return  # a full-screen dialog of the same program
        for i, layer in enumerate(above):
            # A primary screen that was cleared is blank too.
            last = i == len(above) - 1 and not self.top.blank
            if last or layer.screen.scrolled or layer.screen.mouse:
                layer.screen.close(at_ms)

    def end(self, rows: Sequence[Row], seen: ScreenPush) -> None:
        """A history began, so the primary screen shows. Its rows keep their numbers: *rows* begin at `physical_top`."""
        first = seen.dims.physical_top
        names = marks(row.text for row in rows)
        for i in range(len(self.layers) - 1, -1, -1):
            if any(self.layers[i].names[first:]) and self.layers[i].agrees(names, first, SHIFTED_SHARE):
                self._take_off(i, seen.at_ms)
                return
        if len(self.layers) > 1 and (self.top.screen.likely or self.top.screen.scrolled):
            self._take_off(len(self.layers) - 2, seen.at_ms)

    def close(self, at_ms: int) -> None:
        """The pane is gone: what stands there, and what a screen on top of it hid."""
        for layer in self.layers if len(self.layers) < 2 else (self.layers[0], self.top):
            layer.screen.close(at_ms)

    def settle(self, at_ms: int) -> None:
        self.top.screen.settle(at_ms)

    def wake_ms(self) -> int | None:
        return self.top.screen.wake_ms()

    def stay(self) -> Stay:
        stay = self.top.screen.stay()
        return stay._replace(below=tuple(layer.names for layer in self.layers[:-1]))
