"""Users' workflows: what a file may hold, how it is played, and that nothing read off a screen becomes code."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from act.conversation import Conversation, context
from wa.act.script import ScriptError, compile_script
from wa.act.script_check import seconds
from wa.act.toml_lines import Lines
from wa.act.workflow import Busy, OnSchedule, OnState
from wa.model.action import Action, ActionKind, ActOutcome, WhileBusy
from wa.model.agent import PaneState
from wa.model.command import Act, Did, Ending, Execute, Executed, Happened, Look, Notify, Park, Saw, Told, Until, Woke

PAGE = Path(__file__).parents[2] / "docs" / "topics" / "workflows.md"
IDLE = Saw(PaneState.IDLE, "codex", draft="", cwd="/src/shop", at_ms=1_795_000_000_500)


def compiled(text, name="mine"):
    return compile_script(tomllib.loads(text), name=name, origin="mine.toml", text=text)


def problems(text):
    """`(line, reason)` of each."""
    lines = Lines(text)
    with pytest.raises(ScriptError) as caught:
        compiled(text)
    return [(lines.of(problem.where), problem.reason) for problem in caught.value.problems]


def steps(body, head="[trigger]\nmanual = true\n"):
    return compiled(f"{head}{body}")


def examples():
    found = re.findall(r"```toml\n# ([a-z_-]+)\.toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return [(name, text) for name, text in found if "[settings]" not in text]


@pytest.mark.parametrize(("name", "text"), examples(), ids=[name for name, _ in examples()])
def test_the_examples_of_the_page_are_sound(name, text):
    """Each one compiles as it stands."""
    assert compiled(text, name).name == name


def test_every_20_minutes_commit():
    """The page's first example, as a conversation."""
    workflow = compiled(dict(examples())["commit"], "commit")
    sent = "Commit what is done, in small commits. If nothing changed, say so and stop."

    assert workflow.starts == (OnSchedule(every_s=1200.0),)
    assert workflow.panes.project == "~/src/shop"
    (
        Conversation(workflow)
        << Look()
        >> IDLE
        << Act(Action(ActionKind.SEND, sent, submit=True))
        >> Did(ActOutcome.SUBMITTED)
        << "done"
    )
    Conversation(workflow) << Look() >> IDLE._replace(draft="mine") << "not_now"
    Conversation(workflow) << Look() >> IDLE._replace(state=PaneState.WORKING) << "not_now"


def test_a_review_loop_over_canned_prompts():
    """The page's second example: three prompts in order, then a program decides."""
    workflow = compiled(dict(examples())["review"], "review")
    talk = Conversation(workflow) << Look() >> IDLE
    for prompt in workflow.settings["set"]["rounds"]:
        (
            talk
            << Until(1800, states=frozenset({PaneState.IDLE}), held_s=5)
            >> Happened("idle")
            << Act(Action(ActionKind.SEND, prompt, submit=True))
            >> Did(ActOutcome.SUBMITTED)
            << Until(60, states=frozenset({PaneState.WORKING}))
            >> Happened("working")
        )
    talk << Until >> Happened("idle")
    asked = talk.command
    assert isinstance(asked, Execute)
    assert (asked.argv, asked.within_s) == (("~/bin/tests-pass", "/src/shop"), 900)
    assert asked.given["field"] == {}
    (
        talk
        >> Executed(1, "2 failed")
        << Act(Action(ActionKind.SEND, "The tests fail. Mend them.", submit=True))
        >> Did(ActOutcome.SUBMITTED)
        << Notify("Review in p1: tests fail", "2 failed")
        >> Told()
        << Ending("tests_fail", failed=True)
    )


def test_when_all_panes_are_idle_tell():
    """The page's third example: a run without a pane."""
    workflow = compiled(dict(examples())["all-idle"], "all-idle")
    (start,) = workflow.starts

    assert isinstance(start, OnState)
    assert start.together
    assert PaneState.WAITING_APPROVAL in start.states
    assert not workflow.lease
    about = context(workflow, event="state", pane="", fields={"panes": ("p1", "p2")})
    Conversation(workflow, about) << Notify("The shop is quiet", "No agent works in p1, p2.") >> Told() << "done"


def test_what_a_file_may_say():
    """Everything at once, read as it is meant."""
    workflow = compiled("""
name = "big"
about = "All of it."
agents = "codex"
when_busy = "drop"
max_age = "1h30m"
cooldown = 90
per_hour = 3
[trigger]
event = ["usage", "turn.done"]
[panes]
mux = "local"
title = "shop"
[[step]]
send = "a"
submit = false
while_busy = "queue"
[[step]]
choose = "Stop"
question = "limit"
[[step]]
keys = ["escape", "ctrl+c"]
[[step]]
interrupt = true
or = "go_on"
[[step]]
exit = true
[[step]]
sleep = "10m"
spread = "30s"
""")

    assert (workflow.events, workflow.agents) == (frozenset({"usage", "turn.done"}), frozenset({"codex"}))
    assert (workflow.when_busy, workflow.max_age_s, workflow.cooldown_s, workflow.per_hour) == (Busy.DROP, 5400, 90, 3)
    assert workflow.lease
    done = Did(ActOutcome.PRESSED)
    (
        Conversation(workflow)
        << Look()
        >> IDLE
        << Act(Action(ActionKind.SEND, "a", while_busy=WhileBusy.QUEUE))
        >> Did(ActOutcome.QUEUED)
        << Act(Action(ActionKind.CHOOSE, labels=("Stop",), question="limit"))
        >> Did(ActOutcome.CHOSEN)
        << Act(Action(ActionKind.KEYS, keys=("escape", "ctrl+c")))
        >> done
        << Act(Action(ActionKind.INTERRUPT))
        >> Did(ActOutcome.NOT_TAKEN)
        << Act(Action(ActionKind.EXIT))
        >> Did(ActOutcome.EXITED)
        << Park(IDLE.at_ms + 600_000, 30)
        >> Woke(IDLE.at_ms + 600_000)
        << "done"
    )


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        (Did(ActOutcome.DRAFT, "a draft"), Ending("draft", "a draft", failed=True)),
        (Did(ActOutcome.PLANNED), Ending("done")),
        (Did(ActOutcome.ASKED, "ask"), Ending("asked", "ask", failed=True)),
    ],
)
def test_a_send_that_was_not_taken_ends_the_run_by_its_name(reply, ending):
    """Nothing goes on as if it had been."""
    Conversation(steps('[[step]]\nsend = "go"\n')) << Look() >> IDLE << Act >> reply << ending


def test_a_wait_that_ran_out_and_a_pane_that_is_gone_have_names():
    """`timed_out` is a failure; a pane that closed is none."""
    workflow = steps('[[step]]\nwait = { state = "idle", within = "5s" }\n')

    Conversation(workflow) << Look() >> IDLE << Until >> Happened("") << "timed_out"
    Conversation(workflow) << Look() >> IDLE << Until >> Happened("", 1, {"gone": True}) << "pane_gone"
    Conversation(workflow) << Look() >> IDLE._replace(alive=False) << "pane_gone"


def test_branches_look_anew():
    """A condition on the pane is judged on a fresh look; `not` turns it round."""
    workflow = steps("""
[[step]]
if = { not = { dialog = true } }
then = [{ end = "no_dialog" }]
else = [{ if = { limited = true }, then = [{ end = "limited" }] }]
""")

    Conversation(workflow) << Look() >> IDLE << Look() >> IDLE << "no_dialog"
    asks = IDLE._replace(question="Go on?", options=("Yes",))
    Conversation(workflow) << Look() >> IDLE << Look() >> asks << Look() >> asks << "done"
    limited = IDLE._replace(state=PaneState.LIMITED)
    Conversation(workflow) << Look() >> IDLE << Look() >> asks << Look() >> limited << "limited"


VALUE = """
[[step]]
send = "The limit ends at {field.reset}, it says."
"""


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\rb", "x\x1b[A", "\x03", "see @/etc/passwd", "@x", "y" * 401, "a\u2028b", "\u202egnp", ["a"], {"a": 1}],
    ids=repr,
)
def test_an_unfit_value_is_not_typed(value):
    """It ends the run before anything is sent."""
    workflow = steps(VALUE, head='[trigger]\nevent = "usage.limit"\n')

    talk = Conversation(workflow, fields={"reset": value}) << Look() >> IDLE << "unsafe_value"

    assert not any(isinstance(asked, Act) for asked in talk.asked)


def test_a_missing_value_ends_the_run():
    """Nothing is sent with a hole in it."""
    Conversation(steps(VALUE)) << Look() >> IDLE << "missing_value"


def test_a_value_is_taken_as_it_is():
    """What looks like a name of a value in a value is text."""
    talk = Conversation(steps(VALUE), fields={"reset": "{set.x} $(id) `id` {{"}) << Look() >> IDLE

    assert talk.command.action.text == "The limit ends at {set.x} $(id) `id` {{, it says."


@given(st.text())
def test_no_value_begins_a_line_or_brings_one(value):
    """Whatever stands on the screen: what is typed has the lines that the file has, and each begins with the file's words."""
    workflow = steps('[[step]]\nsend = "Note: {field.a}\\nAlso: {field.a}"\n')
    talk = Conversation(workflow, fields={"a": value}) << Look() >> IDLE
    if isinstance(talk.now, Ending):
        assert talk.ending.outcome == "unsafe_value"
        return
    first, second = talk.command.action.text.split("\n")
    assert (first, second) == (f"Note: {value}", f"Also: {value}")


@given(st.text(min_size=1))
def test_a_value_is_one_word_of_a_program_and_no_option(value):
    """No shell, no splitting; what would be an option ends the run."""
    talk = Conversation(steps('[[step]]\nrun = ["/bin/x", "{field.a}"]\n'), fields={"a": value}) << Look() >> IDLE
    if isinstance(talk.now, Ending):
        assert talk.ending.outcome == "unsafe_value"
        assert value.startswith("-") or "\0" in value
    else:
        assert talk.command.argv == ("/bin/x", value)
        assert talk.command.given["field"] == {"a": value}


def test_a_program_that_fails_ends_the_run_or_is_asked_about():
    """By `or`; its status and output are values."""
    workflow = steps("""
[[step]]
run = ["x"]
name = "check"
or = "go_on"
[[step]]
if = { value = "check.output.verdict", is = ["again", "more"] }
then = [{ send = "Once more: {check.output.why}" }]
""")

    Conversation(steps('[[step]]\nrun = ["x"]\n')) << Look() >> IDLE << Execute >> Executed(None) << "program_failed"
    talk = Conversation(workflow) << Look() >> IDLE << Execute >> Executed(3, {"verdict": "more", "why": "red"})
    assert talk.command == Act(Action(ActionKind.SEND, "Once more: red", submit=True))
    Conversation(workflow) << Look() >> IDLE << Execute >> Executed(0, "text") << "done"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("about = 'x'\n", None, "needs a [trigger]"),
        ("[trigger]\nevent = 'turn.dome'\n[[step]]\nend = 'x'\n", 2, "turn.done?"),
        ("[trigger]\nevent = 'turn.done'\nevery = '20m'\n[[step]]\nend = 'x'\n", 1, "one of event"),
        ("[trigger]\nevery = '5s'\n[[step]]\nend = 'x'\n", 2, "10 s at least"),
        ("[trigger]\nat = '25:00'\n[[step]]\nend = 'x'\n", 2, "no time of the day"),
        ("[trigger]\nat = '05:00'\ndays = ['someday']\n[[step]]\nend = 'x'\n", 3, "no day"),
        ("[trigger]\nstate = 'idel'\n[[step]]\nend = 'x'\n", 2, "no state"),
        ("[trigger]\nmanual = true\nheld = '3s'\n[[step]]\nend = 'x'\n", 3, "goes with"),
        ("[trigger]\nmanual = true\n", None, "at least one step"),
        ("enabled = true\n[trigger]\nmanual = true\n[[step]]\nend = 'x'\n", 1, "turns nothing on"),
        ("nmae = 'x'\n[trigger]\nmanual = true\n[[step]]\nend = 'x'\n", 1, "did you mean `name`"),
        ("name = 'X Y'\n[trigger]\nmanual = true\n[[step]]\nend = 'x'\n", 1, "is no name"),
        ("[trigger]\nmanual = true\n[[step]]\nsend = 'x'\nkeys = ['a']\n", 3, "exactly one"),
        ("[trigger]\nmanual = true\n[[step]]\nend = 'x'\n[[step]]\nsend = '{field.a} x'\n", 6, "begins a line"),
        ("[trigger]\nmanual = true\n[[step]]\nsend = 'x'\nsubmti = true\n", 5, "did you mean `submit`"),
        ("[trigger]\nmanual = true\n[[step]]\nsend = 'x { y'\n", 4, "a lone {"),
        ("[trigger]\nmanual = true\n[[step]]\nsend = 'x {a b}'\n", 4, "no name of a value"),
        ("[trigger]\nmanual = true\n[[step]]\nsend = 'x {field.a!r}'\n", 4, "no name of a value"),
        ("[trigger]\nmanual = true\n[[step]]\nsend = 'x {set.none}'\n", 4, "[set] has no none"),
        ("[trigger]\nmanual = true\n[[step]]\nchoose = ['{field.a}']\n", 4, "no value may stand"),
        ("[trigger]\nmanual = true\n[[step]]\nkeys = ['{field.a}']\n", 4, "no value may stand"),
        ("[trigger]\nmanual = true\n[[step]]\nrun = 'ls -l'\n", 4, "list of words"),
        ("[trigger]\nmanual = true\n[[step]]\nrun = ['{field.a}']\n", 4, "may not come from a value"),
        ("[trigger]\nmanual = true\n[[step]]\nrun = ['sh', '-c', 'echo {field.a}']\n", 4, "whole word"),
        ("[trigger]\nmanual = true\n[[step]]\nwait = { state = 'idle' }\n", 4, "within"),
        ("[trigger]\nmanual = true\n[[step]]\nwait = { within = '3s' }\n", 4, "for which state"),
        ("[trigger]\nmanual = true\n[[step]]\nsleep = 'soon'\n", 4, "a duration"),
        ("[trigger]\nmanual = true\n[[step]]\nfor_each = 'x'\ndo = [{ end = 'y' }]\n", 4, "has no list"),
        ("[trigger]\nmanual = true\n[[step]]\nif = {}\nthen = [{ end = 'y' }]\n", 4, "a condition is"),
        ("[trigger]\nmanual = true\n[[step]]\nif = { draft = true }\nthen = [{ sned = 'y' }]\n", 5, "exactly one"),
        ("[trigger]\nstate = 'idle'\ntogether = true\n[[step]]\nsend = 'x'\n", 3, "no pane of its own"),
        ("step = 3\n[trigger]\nmanual = true\n", 1, "a list of tables"),
    ],
)
def test_a_file_that_is_off_is_refused_with_its_line(text, line, words):
    """Line and reason, for each of the ways."""
    found = problems(text)

    assert any(at == line and words in reason for at, reason in found), found


def test_all_problems_are_found_at_once():
    """Not only the first."""
    found = problems("[trigger]\nevent = 'x'\n[[step]]\nsend = ''\n[[step]]\nkeys = []\n[[step]]\nsleep = -1\n")

    assert [line for line, _ in found] == [2, 4, 6, 8]


def test_lines_are_found_through_long_texts_and_nested_tables():
    """Texts over several lines, lists over several lines, lists of tables below lists of tables."""
    text = '''a = """
b = 1
[c]
"""
d = [
  "[[step]]",
  "e = 1",
]
[[step]]
send = "x" # y = 1
[[step.then]]
send = "y"
[[step.then]]
send = "z"
[[step]]
[[step.then]]
send = "w"
["quo ted"]
k = 1
'''
    lines = Lines(text)

    tomllib.loads(text)
    assert lines.of(("a",)) == 1
    assert lines.of(("b",)) is None
    assert lines.of(("d", 1)) == 5
    assert lines.of(("step", 0, "send")) == 10
    assert lines.of(("step", 0, "then", 1, "send")) == 14
    assert lines.of(("step", 1, "then", 0, "send")) == 17
    assert lines.of(("quo ted", "k")) == 19


@given(st.text())
def test_reading_lines_never_fails(text):
    """Whatever the text is."""
    Lines(text).of(("step", 0))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("500ms", 0.5), (7, 7), ("1 d", 86400), ("x", None), ("", None)],
)
def test_durations(value, wanted):
    """As people write them; nothing else."""
    assert seconds(value) == wanted


@pytest.mark.parametrize("value", [True, -1, "-3s", "3", "9999d", None, [], "3s x"])
def test_what_is_no_duration(value):
    """Is refused."""
    assert seconds(value) is None


def test_another_text_is_another_version():
    """A run that is under way at a restart is not played on by another file."""
    head = "[trigger]\nmanual = true\n[[step]]\n"

    assert compiled(f"{head}end = 'x'\n").version != compiled(f"{head}end = 'y'\n").version
