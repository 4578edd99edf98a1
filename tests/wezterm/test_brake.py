import asyncio

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from wa.protocol.mux import FrameReader, Ping, encode, encode_frame
from wa.wezterm import brake as module
from wa.wezterm.brake import ENOUGH, LEAKS, Brake
from wezterm.waiting import run, until

LATE_S = 0.05
WINDOW_S = 0.03


class Line:
    """What was sent, and a server that answers when told to."""

    def __init__(self) -> None:
        self.sent = b""
        self.serial = 70_000
        self.has_requests = False
        self.listening = True
        self.lulls = 0
        self.brake = Brake(self)

    def ping(self) -> tuple[int, bytes]:
        self.serial += 1
        return self.serial, encode_frame(self.serial, *encode(Ping(), 44))

    def transmit(self, data: bytes) -> None:
        self.sent += data

    def listen(self, *, on: bool) -> None:
        self.listening = on

    def lull(self) -> None:
        self.lulls += 1

    def push(self, count: int = ENOUGH) -> None:
        self.brake.heard(count)

    def answer(self, pushes: int) -> None:
        """The Ping's answer and so many pushes, read in one go."""
        assert self.brake.answered(self.serial)
        self.brake.heard(pushes)

    async def round(self, pushes: int) -> None:
        """The server is let go on and heard, and answers with so many pushes."""
        await until(lambda: not self.brake.holding and self.listening)
        self.answer(pushes)

    @property
    def pings(self) -> int:
        """Whole ones; what was sent of another stays in the reader."""
        return len(FrameReader().feed(self.sent))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW_S", WINDOW_S)
    monkeypatch.setattr(module, "QUIET_S", WINDOW_S)


async def stream(line: Line) -> None:
    """Pushes without pause until the server is held back."""
    give_up_at = asyncio.get_running_loop().time() + 10
    while not line.brake.holding:
        assert asyncio.get_running_loop().time() < give_up_at
        line.push()
        await asyncio.sleep(0.002)


async def held() -> Line:
    line = Line()
    line.brake.loosen(LATE_S)
    await stream(line)
    return line


def test_nothing_is_held_back_unless_allowed() -> None:
    """A thousand pushes, and not a byte is sent."""

    async def scene() -> None:
        line = Line()
        line.push(1000)
        assert line.sent == b""

    run(scene())


def test_the_first_moment_of_a_burst_is_not_held_back() -> None:
    """Rows may have to be read at once, and the requests for them are not out yet."""

    async def scene() -> None:
        line = Line()
        line.brake.loosen(LATE_S)
        line.push(1000)
        line.push(1000)
        assert line.sent == b""

    run(scene())


def test_few_pushes_are_not_held_back() -> None:
    """A pane that prints now and then is heard at once, always."""

    async def scene() -> None:
        line = Line()
        line.brake.loosen(LATE_S)
        for _ in range(4):
            line.push(ENOUGH - 1)
            await asyncio.sleep(1.1 * WINDOW_S)
        assert line.sent == b""

    run(scene())


def test_a_stream_of_pushes_is_held_back_by_the_first_byte_of_a_ping() -> None:
    """The rest follows after the time allowed, and what comes is read in one go a moment later."""

    async def scene() -> None:
        line = await held()
        begin = asyncio.get_running_loop().time()
        assert (len(line.sent), line.lulls, line.pings) == (1, 1, 0)
        await until(lambda: not line.brake.holding)
        assert asyncio.get_running_loop().time() - begin >= LATE_S * 0.9
        assert (line.pings, line.listening) == (1, False)
        await until(lambda: line.listening)

    run(scene())


def test_rounds_follow_while_they_pay() -> None:
    """Held back again with the answer; a round or two with hardly a push end it, and many begin it anew."""

    async def scene() -> None:
        line = await held()
        for _ in range(3):
            await line.round(5)
            assert line.brake.holding
        assert line.lulls == 4
        await line.round(1)
        await line.round(1)
        assert not line.brake.holding
        await stream(line)

    run(scene())


def test_a_late_server_is_waited_for() -> None:
    """Its answer came without the pushes that were held back: they get their chance before the next round."""

    async def scene() -> None:
        line = await held()
        await line.round(0)
        assert not line.brake.holding
        line.push(2)
        await until(lambda: line.brake.holding)

    run(scene())


def test_a_request_ends_the_holding_at_once() -> None:
    """What is sent after `open` stands behind a whole frame."""

    async def scene() -> None:
        line = await held()
        line.brake.open()
        assert (line.pings, line.brake.holding, line.listening) == (1, False, True)
        await asyncio.sleep(2 * LATE_S)
        assert line.pings == 1

    run(scene())


def test_a_request_in_the_pause_is_heard() -> None:
    """Reading goes on as soon as something is asked."""

    async def scene() -> None:
        line = await held()
        await until(lambda: not line.listening)
        line.brake.open()
        assert line.listening

    run(scene())


def test_nothing_is_held_back_while_rows_are_being_read() -> None:
    """Neither while an answer is waited for nor right after a request, for the next one follows soon in a burst."""

    async def scene() -> None:
        line = Line()
        line.brake.loosen(LATE_S)
        line.has_requests = True
        for _ in range(4):
            line.push(1000)
            await asyncio.sleep(1.1 * WINDOW_S)
        line.has_requests = False
        for _ in range(6):
            line.brake.open()
            line.push(1000)
            await asyncio.sleep(0.4 * WINDOW_S)
        assert line.sent == b""
        await stream(line)
        line.has_requests = True
        await line.round(5)
        assert not line.brake.holding

    run(scene())


@pytest.mark.parametrize("end", ["tighten", "close"])
def test_tightening_lets_the_server_go_on_at_once(end: str) -> None:
    """No half frame stays behind, nothing is held back any more, and a late answer is nobody's."""

    async def scene() -> None:
        line = await held()
        if end == "close":
            line.brake.close()
            line.brake.loosen(LATE_S)
        else:
            line.brake.loosen(0.0)
        assert (line.pings, line.listening) == (1, True)
        assert not line.brake.answered(line.serial)
        line.push(1000)
        assert line.pings == 1
        assert len(line.sent) == len(encode_frame(line.serial, *encode(Ping(), 44)))

    run(scene())


def test_a_server_that_does_not_wait_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It pushes while half a frame lies before it, time and again: that is no use to anybody."""
    monkeypatch.setattr(module, "LATE_S", 0.0)

    async def scene() -> None:
        line = await held()
        for _ in range(LEAKS):
            assert line.brake.holding
            await asyncio.sleep(0.001)
            line.push()
            await line.round(5)
        assert not line.brake.holding
        line.push(1000)
        assert not line.brake.holding

    run(scene())


WINDOWS = {"WINDOW_S": 0.005, "QUIET_S": 0.0, "SETTLE_S": 0.001, "LATE_SETTLE_S": 0.002}


@given(
    st.lists(
        st.sampled_from(
            ["push", "stream", "stream", "few", "open", "hear", "answer", "loosen", "tighten", "ask", "wait"]
        ),
        max_size=30,
    )
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_only_whole_frames_stand_before_a_request(steps: list[str]) -> None:
    """Any order of events: after `open` nothing is torn and everything is read; while held, one byte is out."""
    held_back = 0

    async def scene() -> None:
        line = Line()
        line.brake.loosen(0.002)
        for step in steps:
            match step:
                case "push":
                    line.push()
                case "stream":
                    for _ in range(3):
                        await asyncio.sleep(0.0055)
                        line.push()
                case "few":
                    line.push(1)
                case "open":
                    line.brake.open()
                    assert line.listening
                case "hear":
                    line.brake.answered(line.serial)
                case "answer":
                    line.brake.answered(line.serial)
                    line.push(3)
                case "loosen" | "tighten":
                    line.brake.loosen(0.002 if step == "loosen" else 0.0)
                case "ask":
                    line.has_requests = not line.has_requests
                case "wait":
                    await asyncio.sleep(0.003)
            reader = FrameReader()
            reader.feed(line.sent)
            nonlocal held_back
            held_back += line.brake.holding
            assert reader.pending == (1 if line.brake.holding else 0)
        line.brake.close()
        assert line.listening

    with pytest.MonkeyPatch.context() as patch:
        for name, value in WINDOWS.items():
            patch.setattr(module, name, value)
        run(scene())
    event("held back" if held_back else "never held back")


def test_what_was_told_just_now_may_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the moment the server is held back until it has had time to tell what it held."""
    monkeypatch.setattr(module, "LATELY_S", 0.1)

    async def scene() -> None:
        line = Line()
        line.brake.loosen(LATE_S)
        assert not line.brake.held_lately
        await stream(line)
        assert line.brake.held_lately
        line.brake.open()
        assert line.brake.held_lately
        await until(lambda: not line.brake.held_lately)

    run(scene())
