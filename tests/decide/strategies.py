"""Any action, actor, pane and policy."""

from hypothesis import strategies as st

from wa.decide.policy import Policy, Rule, Verdict
from wa.decide.rules import GUARDED, HARMLESS
from wa.model.action import Action, ActionKind, Actor, ActorKind, HumanSign, Ledger, PaneView, WhileBusy
from wa.model.agent import Dialog, PaneState

EFFECTS = st.frozensets(st.sampled_from(sorted(GUARDED | HARMLESS | {"surprise"})), max_size=3)
KEYS = st.sampled_from(
    [
        "enter",
        "Return",
        "shift-enter",
        "ctrl+m",
        "Ctrl-J",
        "\r",
        "y",
        "1",
        "escape",
        "tab",
        "space",
        "up",
        "down",
        "ctrl+c",
        "é",
    ]
)
ACTIONS = st.builds(
    Action,
    kind=st.sampled_from(ActionKind),
    text=st.sampled_from(["", "proceed.", "a\nb", "\x1b", "x"]),
    submit=st.booleans(),
    forced=st.booleans(),
    keys=st.lists(KEYS, max_size=3).map(tuple),
    labels=st.lists(st.sampled_from(["Yes", "Stop", ""]), max_size=2).map(tuple),
    question=st.sampled_from(["", "Do you", "Never asked"]),
    effects=EFFECTS,
    while_busy=st.sampled_from(WhileBusy),
)
ACTORS = st.builds(Actor, st.sampled_from(ActorKind), st.sampled_from(["", "cli", "handle_usage_limits", "mine"]))
DIALOGS = st.builds(
    Dialog,
    rule=st.just("r"),
    event=st.just("waiting.approval"),
    question=st.sampled_from(["Do you want to proceed?", "Trust this folder?"]),
    options=st.just(("Yes", "No")),
    selected=st.sampled_from([None, 0, 1]),
)
AGES = st.none() | st.floats(0, 100)
VIEWS = st.builds(
    PaneView,
    alive=st.just(True) | st.booleans(),
    excluded=st.booleans() | st.just(False),
    bracketed_paste=st.sampled_from([None, True, False]),
    started_by_wa=st.booleans(),
    uid=st.sampled_from(["p1", "p2"]),
    agent=st.sampled_from([None, "codex", "claude_code"]),
    state=st.sampled_from(PaneState),
    dialog=st.none() | DIALOGS,
    draft=st.sampled_from([None, "", "half a thought"]),
    human=st.builds(HumanSign, st.booleans(), AGES, AGES),
    paused=st.sampled_from([None, None, "all", "codex", "p1"]),
)


def some(values):
    return st.frozensets(st.sampled_from(values), max_size=2)


RULES = st.builds(
    Rule,
    name=st.sampled_from(["a", "b"]),
    decision=st.sampled_from(Verdict),
    actions=some(list(ActionKind)),
    actors=some(list(ActorKind)),
    workflows=some(["mine", "handle_usage_limits"]),
    agents=some(["codex", "none"]),
    states=some(["waiting", "idle", "limited"]),
    panes=some(["p1", "p2"]),
    effects=EFFECTS,
)
GENEROUS = Rule("everything", Verdict.ALLOW, effects=GUARDED)
POLICIES = st.builds(
    Policy,
    rules=st.lists(st.just(GENEROUS) | RULES, max_size=4).map(tuple),
    human_quiet_s=st.sampled_from([0.0, 20.0]),
    pane_actions_per_hour=st.sampled_from([0, 5]),
    actions_per_minute=st.sampled_from([0, 5]),
    pane_cooldown_s=st.sampled_from([0.0, 3.0]),
)
LEDGERS = st.builds(
    Ledger,
    pane_last_ms=st.none() | st.integers(0, 20_000),
    pane_hour=st.integers(0, 10),
    all_minute=st.integers(0, 10),
    granted=st.booleans(),
)
