"""Commands by prompts alone."""

from protocol.mux.test_zones import cells, rows
from wa.engine.zone_watch import NOTHING, Line, Step, ZoneWatch
from wa.model.screen import Row
from wa.protocol.mux.zones import INPUT, OUTPUT, PROMPT, RawRows


class Pane:
    def __init__(self):
        self.watch = ZoneWatch()

    def push(self, cursor, *changed):
        """*changed*: index and runs of each row; the cursor's is among them."""
        raw = rows(*(cells(index, *runs) for index, *runs in changed))
        texts = [Row(index, "".join(text for _, text in runs)) for index, *runs in changed]
        return self.watch.push(RawRows.of(raw, 0, len(raw)), texts, cursor)


def prompt(index, typed="", text="$ "):
    return index, (PROMPT, text), *([(INPUT, typed)] if typed else [])


def out(index, text=""):
    return index, (OUTPUT, text)


def at_prompt():
    pane = Pane()
    assert pane.push(5, prompt(5)) == Step(ended=True)
    return pane


def test_a_command_runs_from_the_line_it_left_to_the_next_prompt():
    """Typed, entered, silent for a while, then its output and a prompt."""
    pane = at_prompt()
    assert pane.push(5, prompt(5, "sl")) == Step()
    assert pane.push(5, prompt(5, "sleep 5")) == Step()
    assert pane.push(6, prompt(5, "sleep 5"), out(6)) == Step(began=Line("sleep 5", False))
    assert pane.push(7, out(6, "done"), out(7)) is NOTHING
    assert pane.push(8, out(7, "more"), prompt(8)) == Step(ended=True)


def test_what_begins_and_ends_between_two_pushes_is_told_whole():
    """With output and without; several that were pasted; an empty line is none."""
    pane = at_prompt()
    assert pane.push(6, prompt(5, "true"), prompt(6)) == Step(between=(Line("true", False),))
    assert pane.push(9, prompt(6, "ls"), out(7, "a"), out(8, "b"), prompt(9)) == Step(between=(Line("ls", False),))
    assert pane.push(10, prompt(9), prompt(10)) == Step()
    pasted = pane.push(12, prompt(10, "a"), prompt(11, "b"), prompt(12))
    assert [line.text for line in pasted.between] == ["a", "b"]


def test_what_was_typed_ahead_is_told_when_it_has_run():
    """The shell draws it at its prompt, runs it, and is at the next one, all in one push; what ran before is not told again."""
    pane = at_prompt()
    assert pane.push(6, prompt(5, "sleep 1"), out(6)).began == Line("sleep 1", False)
    told = pane.push(9, prompt(5, "sleep 1"), out(6, "echo a"), prompt(7, "echo a"), out(8, "a"), prompt(9))

    assert told == Step(ended=True, between=(Line("echo a", False),))


def test_a_line_that_is_only_known_from_earlier_pushes_counts():
    """The row of the command is not written again when it is entered."""
    pane = at_prompt()
    pane.push(5, prompt(5, "make"))

    assert pane.push(6, out(6)) == Step(began=Line("make", False))


def test_secondary_prompts_belong_to_their_command():
    """A loop over three rows is one."""
    pane = at_prompt()
    pane.push(6, prompt(5, "for x in 1"), prompt(6, text="> "))
    pane.push(7, prompt(6, "do echo $x", "> "), prompt(7, "", "> "))

    assert pane.push(8, prompt(7, "done", "> "), out(8)) == Step(began=Line("for x in 1\ndo echo $x\ndone", False))


def test_prompts_of_two_rows_are_one_prompt():
    """A folder above, an arrow below."""
    pane = Pane()
    pane.push(6, (5, (PROMPT, "~/src on main")), prompt(6, "", "❯ "))
    pane.push(6, prompt(6, "make", "❯ "))

    told = pane.push(8, (7, (PROMPT, "~/src on main")), prompt(8, "", "❯ "))
    assert told == Step(between=(Line("make", False),))


def test_what_was_typed_and_taken_back_is_no_command():
    """Ctrl-U, then Return."""
    pane = at_prompt()
    pane.push(5, prompt(5, "rm -rf /"))
    pane.push(5, prompt(5))

    assert pane.push(6, prompt(5), prompt(6)) == Step()


def test_output_in_the_place_of_a_prompt_is_no_input():
    """A screen that is drawn over: what stood there is forgotten."""
    pane = at_prompt()
    pane.push(5, prompt(5, "vim"))

    assert pane.push(0, out(0, "~"), out(5, "~ -- INSERT --")).began is None


def test_a_line_that_begins_with_a_blank_is_not_told():
    """That something ran is known, and no word of it."""
    pane = at_prompt()

    assert pane.push(6, prompt(5, " pass show bank"), prompt(6)).between == (Line("", False),)


def test_a_long_line_is_cut():
    """At most 1,024 bytes of it."""
    pane = at_prompt()
    begun = pane.push(6, prompt(5, "é" * 1_000), out(6)).began

    assert begun is not None
    assert (len(begun.text.encode()), begun.cut) == (1_024, True)


def test_a_pane_without_prompts_costs_nothing():
    """Nothing is read a second time before one was seen."""
    pane = Pane()

    assert pane.push(1, out(0, "x"), out(1)) is NOTHING
