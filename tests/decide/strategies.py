"""Any action, actor, pane and policy. Each is made from one number: drawing field by field takes most of the time."""

from random import Random

from hypothesis import strategies as st

from wa.decide.policy import Policy, Rule, Verdict
from wa.decide.rules import GUARDED, HARMLESS
from wa.model.action import Action, ActionKind, Actor, ActorKind, HumanSign, Ledger, PaneView, WhileBusy
from wa.model.agent import Dialog, PaneState

KEY_NAMES = (
    *("enter", "Return", "shift-enter", "ctrl+m", "Ctrl-J", "\r", "y", "1", "escape", "tab"),
    *("space", "up", "down", "ctrl+c", "é"),
)
EFFECTS = sorted(GUARDED | HARMLESS | {"surprise"})
GENEROUS = Rule("everything", Verdict.ALLOW, effects=GUARDED)


def made(make):
    """A strategy from a function of a Random."""
    return st.integers(0, 2**48).map(lambda number: make(Random(number)))


def some(chance, values, most=2):
    return frozenset(chance.sample(list(values), chance.randint(0, most)))


def action(chance):
    return Action(
        kind=chance.choice(list(ActionKind)),
        text=chance.choice(["", "proceed.", "a\nb", "\x1b", "x"]),
        submit=chance.random() < 0.5,
        forced=chance.random() < 0.5,
        keys=tuple(chance.choices(KEY_NAMES, k=chance.randint(0, 3))),
        labels=tuple(chance.choices(["Yes", "Stop", ""], k=chance.randint(0, 2))),
        question=chance.choice(["", "Do you", "Never asked"]),
        effects=some(chance, EFFECTS, 3),
        while_busy=chance.choice(list(WhileBusy)),
    )


def dialog(chance):
    question = chance.choice(["Do you want to proceed?", "Trust this folder?"])
    return Dialog("r", "waiting.approval", question, ("Yes", "No"), chance.choice([None, 0, 1]))


def age(chance):
    return chance.choice([None, chance.uniform(0, 100)])


def view(chance):
    return PaneView(
        alive=chance.random() < 0.8,
        excluded=chance.random() < 0.2,
        bracketed_paste=chance.choice([None, True, False]),
        started_by_wa=chance.random() < 0.5,
        uid=chance.choice(["p1", "p2"]),
        agent=chance.choice([None, "codex", "claude_code"]),
        state=chance.choice(list(PaneState)),
        dialog=chance.choice([None, dialog(chance)]),
        draft=chance.choice([None, "", "half a thought"]),
        human=HumanSign(chance.random() < 0.5, age(chance), age(chance)),
        paused=chance.choice([None, None, None, "all", "codex", "p1"]),
    )


def rule(chance):
    return Rule(
        name=chance.choice(["a", "b"]),
        decision=chance.choice(list(Verdict)),
        actions=some(chance, ActionKind),
        actors=some(chance, ActorKind),
        workflows=some(chance, ["mine", "handle_usage_limits"]),
        agents=some(chance, ["codex", "none"]),
        states=some(chance, ["waiting", "idle", "limited"]),
        panes=some(chance, ["p1", "p2"]),
        effects=some(chance, EFFECTS, 3),
    )


def policy(chance):
    rules = [chance.choice([GENEROUS, rule(chance)]) for _ in range(chance.randint(0, 4))]
    bounds = [chance.choice(pair) for pair in ((0.0, 20.0), (0, 5), (0, 5), (0.0, 3.0))]
    return Policy(tuple(rules), *bounds)


def ledger(chance):
    last_ms = chance.choice([None, chance.randint(0, 20_000)])
    return Ledger(last_ms, chance.randint(0, 10), chance.randint(0, 10), chance.random() < 0.5)


def actor(chance):
    return Actor(chance.choice(list(ActorKind)), chance.choice(["", "cli", "handle_usage_limits", "mine"]))


KEYS = st.sampled_from(KEY_NAMES)
ACTIONS, ACTORS, VIEWS = made(action), made(actor), made(view)
POLICIES, LEDGERS, DIALOGS = made(policy), made(ledger), made(dialog)
