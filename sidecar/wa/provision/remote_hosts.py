"""One host after the other, side by side: each looked at, set up, and looked at again; none waits for another's trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from wa.model.errors import StoreError, TerminalUnreachable, WaError, WezTermError
from wa.model.host import FoundHost
from wa.protocol.results_setup import HostResult, PlanResult
from wa.provision.journal import ID, Journal, Outcome
from wa.provision.plan import ChangeState, PlanState
from wa.provision.remote import LostError, RemoteMachine
from wa.provision.remote_facts import RemoteFacts
from wa.provision.remote_lua import login_shell
from wa.provision.remote_plan import HostPlan, host_plan, wants_python
from wa.provision.shown import result_of
from wa.provision.wheels import NoWheelsError, PythonThere, Wheelhouse, wheelhouse
from wa.wezterm import codec, ssh
from wa.wezterm.ssh import ssh_words
from wa.wezterm.targets import SshTarget

Server = Literal["none", "unit", "adopted", "started", "hangs"] | None

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Here:
    """WezTerm of this machine."""

    version: str | None
    codec: int | None

    @property
    def title(self) -> str:
        if self.version is None:
            return "no WezTerm"
        return f"WezTerm {self.version}, codec {self.codec if self.codec is not None else 'unknown'}"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all hosts share."""

    here: Here
    cache: Path
    house: Path
    """DATA/setup of this machine."""
    with_wa: bool = True
    look_s: float = 60.0
    apply_s: float = 900.0
    wheels: dict[PythonThere, Wheelhouse | NoWheelsError] = field(default_factory=dict)
    making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def wheels_for(self, there: PythonThere) -> Wheelhouse:
        """Made once for each kind of machine. Raises NoWheelsError."""
        async with self.making:
            if there not in self.wheels:
                try:
                    self.wheels[there] = await wheelhouse(there, self.cache)
                except NoWheelsError as error:
                    self.wheels[there] = error
        made = self.wheels[there]
        if isinstance(made, NoWheelsError):
            raise made
        return made


@dataclass(slots=True)
class Prospect:
    """A host, what is known of it, and what is to be done there."""

    host: FoundHost
    plan_id: str
    machine: RemoteMachine | None = None
    facts: RemoteFacts | None = None
    codec: int | None = None
    plan: HostPlan | None = None
    wheels: Wheelhouse | None = None
    made: PlanResult | None = None
    loose: list[str] = field(default_factory=list)
    """Plans whose end did not come through to this machine: their host knows it."""
    started: bool = False
    """Its server was started by wa, without a unit."""
    reachable: bool | None = None
    trouble: str | None = None
    next_step: str | None = None
    elapsed_ms: float = 0.0

    @property
    def is_to_do(self) -> bool:
        if self.plan is None or self.facts is None:
            return bool(self.loose)
        return self.plan.is_needed or bool(self.loose) or bool(self.facts.interrupted)

    def fail(self, error: WaError) -> None:
        self.trouble = error.message.removeprefix(f"ssh {self.host.name}: ")
        self.next_step = error.next_step
        if error.next_step == ssh.TRIES_AGAIN:
            self.next_step = "See that it is on and that its address is right, then run this again."

    def result(self, here: Here) -> HostResult:
        facts, plan = self.facts, self.plan
        shown = self.made
        if shown is None and plan is not None and plan.changes:
            held = {number: Outcome(ChangeState.HOLDS) for number in plan.holding}
            shown = result_of(plan.plan(self.host.name), outcomes=held)
        fits = None if self.codec is None or here.codec is None else self.codec == here.codec
        if fits is None and facts is not None and facts.wezterm_version is not None:
            fits = True if facts.wezterm_version == here.version else None
        python = facts.pythons[0].version if facts is not None and facts.pythons else None
        return HostResult(
            host=self.host.title,
            found_in=list(self.host.found_in),
            address=self.host.address,
            reachable=self.reachable,
            system=facts.title if facts else None,
            wezterm=facts.wezterm_version if facts else None,
            codec=self.codec,
            codec_fits=fits,
            server=self._server(),
            unit=facts.unit("mux") if facts else None,
            lingering=facts.lingering if facts else None,
            python=python,
            wa=facts.wa_version if facts else None,
            sidecar=facts.unit("sidecar") if facts else None,
            plan=shown,
            trouble=self.trouble or (plan.trouble if plan else None),
            next_step=self.next_step if self.trouble else (plan.next_step if plan else None),
            elapsed_ms=round(self.elapsed_ms, 1),
        )

    def _server(self) -> Server:
        if self.facts is None or self.facts.get("wezterm") is None:
            return None
        match self.facts.get("mux"):
            case "answers" if self.started:
                return "started"
            case "answers":
                return "unit" if self.facts.unit("mux") == "active" else "adopted"
            case "hangs":
                return "hangs"
            case "none":
                return "none"
        return None


async def side_by_side(
    prospects: Iterable[Prospect], work: Callable[[Prospect], Awaitable[None]], told: Callable[[Prospect], None]
) -> None:
    """*work* for each, some at once. What it raises is that host's trouble; *told* hears of each when it is through."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(prospect: Prospect) -> None:
        async with room:
            started = time.perf_counter()
            try:
                await work(prospect)
            except WaError as error:
                if isinstance(error, TerminalUnreachable) and prospect.facts is None:
                    prospect.reachable = False
                prospect.fail(error)
            except OSError as error:
                prospect.trouble, prospect.next_step = f"{error}", "Run `wa doctor`."
            prospect.elapsed_ms += (time.perf_counter() - started) * 1000
        told(prospect)

    async with asyncio.TaskGroup() as group:
        for prospect in prospects:
            group.create_task(one(prospect))


async def look_at(prospect: Prospect, given: Circumstances) -> None:
    """What is there, and what is to be done. Raises WaError."""
    await survey(prospect, given)
    await _plan(prospect, given)


async def survey(prospect: Prospect, given: Circumstances) -> None:
    """What is there. Raises WaError."""
    host = prospect.host
    if not host.is_usable:
        raise WaError(host.trouble or "it cannot be used", next_step="Give a name as you would to `ssh`.")
    target = SshTarget(host.name, ssh=(*ssh_words(), *host.options))
    prospect.machine = await RemoteMachine.reach(target, given.look_s, given.apply_s)
    await _look(prospect, given)


async def _look(prospect: Prospect, given: Circumstances) -> None:
    assert prospect.machine is not None
    prospect.facts = facts = await prospect.machine.look()
    prospect.reachable = True
    prospect.codec = codec.codec_of(facts.wezterm_version)
    if prospect.codec is None and facts.wezterm_version == given.here.version:
        prospect.codec = given.here.codec
    prospect.loose = await asyncio.to_thread(_loose, given.house, prospect.host.name)
    wezterm = facts.get("wezterm")
    if prospect.codec is None and facts.get("mux") == "answers" and wezterm is not None and not facts.noise:
        session = prospect.machine.session
        with suppress(WezTermError, OSError):
            target = SshTarget(session.target.host, wezterm=(wezterm,), ssh=session.target.ssh)
            prospect.codec = await codec.ask_host(ssh.SshSession(target, session.options, session.owns_control))


async def _plan(prospect: Prospect, given: Circumstances) -> None:
    facts, here = prospect.facts, given.here
    assert facts is not None
    if prospect.codec is not None and here.codec is not None and prospect.codec != here.codec:
        raise WaError(
            f"its WezTerm {facts.wezterm_version} speaks codec {prospect.codec}, the one here codec {here.codec}: "
            "a domain would not attach",
            next_step=f"Install the same WezTerm on both: here it is {here.version}. Nothing was changed there.",
        )
    lua = await asyncio.to_thread(login_shell, facts)
    no_wheels: tuple[str, str] | None = None
    if given.with_wa and facts.get("wezterm") is not None and (no_wheels := wants_python(facts)) is None:
        try:
            prospect.wheels = await given.wheels_for(facts.pythons[0].there)
        except NoWheelsError as error:
            no_wheels = (error.message, error.next_step)
    prospect.plan = host_plan(
        facts, prospect.host.name, prospect.plan_id, lua, wheels=prospect.wheels, no_wheels=no_wheels
    )
    for plan_id in facts.interrupted:
        prospect.plan.notes.append(f"A setup of it was interrupted ({plan_id}): what it did is taken back first.")


async def set_up(prospect: Prospect, given: Circumstances, house: Path) -> None:
    """Makes the plan there, and looks again. *house*: DATA/setup here, locked. Raises WaError."""
    machine = prospect.machine
    if machine is None or prospect.facts is None:
        return
    await asyncio.to_thread(_tie_up, house, prospect.loose, dict(prospect.facts.plans))
    if prospect.plan is None:
        return
    if prospect.facts.interrupted:
        await _take_back_interrupted(prospect, machine, house)
        await _look(prospect, given)
        await _plan(prospect, given)
    if not prospect.plan.is_needed:
        return
    plan = prospect.plan.plan(prospect.host.name)
    more: dict[str, bytes] = {}
    if prospect.plan.wheels and prospect.wheels is not None:
        more = {f"wheels/{name}": data for name, data in prospect.wheels.wheels.items()}
        more["wheels/requirements.txt"] = prospect.wheels.requirements()
    journal = await asyncio.to_thread(Journal.begin, house, plan, prospect.plan_id)
    made = await machine.apply(plan, prospect.plan_id, more)
    await asyncio.to_thread(record, journal, made.outcomes, made.state)
    state = made.state or PlanState.UNDONE
    prospect.made = result_of(plan, state, plan_id=prospect.plan_id, outcomes=made.outcomes)
    notes = prospect.plan
    await _look(prospect, given)
    if made.state is not PlanState.FINISHED:
        kept = {None: "nothing was changed there", PlanState.UNDOING: "some of it could not be taken back"}.get(
            made.state, "all of it was taken back"
        )
        prospect.trouble = f"{_lower(made.trouble or 'it failed')}; {kept}"
        prospect.next_step = _after(made.trouble or "", prospect)
        return
    prospect.started = any(
        change["command"][1:] == ["--daemonize"] and change["state"] == "done" for change in prospect.made["changes"]
    )
    for number, outcome in made.outcomes.items():
        if outcome.state is ChangeState.FAILED:
            what = prospect.made["changes"][number - 1]
            notes.miss(f"{what['what']}: {outcome.trouble}", _by_hand(what["command"]))


def _by_hand(command: list[str]) -> str:
    words = " ".join(command)
    return f"Ask who administers it to run: sudo {words}" if command[:1] == ["loginctl"] else f"Run there: {words}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _after(trouble: str, prospect: Prospect) -> str:
    if "space" in trouble or "room" in trouble or "disk" in trouble.lower():
        return "Make room in its home, then run this again."
    if prospect.made is not None and prospect.made["state"] == "undoing":
        return f"Look at the files named above, then: wa setup undo {prospect.plan_id}"
    return "Mend that there, then run this again."


def record(journal: Journal, outcomes: Mapping[int, Outcome], state: PlanState | None) -> None:
    """What the host's own journal says, here too, so that `wa setup history` and `undo` know of it."""
    if state is None or state is PlanState.UNDONE:
        journal.drop()
        return
    for number, outcome in sorted(outcomes.items()):
        why = f" {outcome.trouble}" if outcome.trouble else ""
        journal.event(f"{number} {outcome.state.value}{why}")
    journal.event("finished" if state is PlanState.FINISHED else "undo")
    journal.drop_secrets()


async def _take_back_interrupted(prospect: Prospect, machine: RemoteMachine, house: Path) -> None:
    assert prospect.facts is not None
    for plan_id in prospect.facts.interrupted:
        made = await machine.undo(plan_id)
        if made.state is not PlanState.UNDONE:
            raise WaError(
                f"an interrupted setup ({plan_id}) cannot be taken back: {made.trouble or 'it failed'}",
                next_step=f"Look at ~/.local/share/wa/setup/{plan_id} there: before.N is what each file was.",
            )
        await asyncio.to_thread(_forget, house, plan_id)


def _forget(house: Path, plan_id: str) -> None:
    if (house / plan_id).is_dir():
        Journal.load(house / plan_id).drop()


def _loose(house: Path, host: str) -> list[str]:
    found = []
    for folder in house.iterdir() if house.is_dir() else ():
        with suppress(StoreError, OSError):
            if not ID.fullmatch(folder.name):
                continue
            journal = Journal.load(folder)
            if journal.is_interrupted and (journal.plan.machine, journal.plan.command) == (host, "setup remote"):
                found.append(journal.id)
    return found


def _tie_up(house: Path, loose: list[str], there: Mapping[str, str]) -> None:
    """A connection was lost: what the host finished is finished, what it knows nothing of was never begun."""
    for plan_id in loose:
        if there.get(plan_id) == "finished":
            journal = Journal.load(house / plan_id)
            for number, _ in journal.numbered:
                journal.event(f"{number} done")
            journal.event("finished")
        elif plan_id not in there:
            _forget(house, plan_id)


async def take_back(machine: RemoteMachine, journal: Journal) -> PlanResult:
    """The plan of *journal* there, where it was made. Raises WaError."""
    made = await machine.undo(journal.id)
    notes: tuple[str, ...] = ()
    state = made.state
    if state is None:
        if "no plan" not in (made.trouble or ""):
            raise LostError(f"{machine.host}: {made.trouble}", next_step="Try again when it is through.")
        notes, state = (f"{machine.host} knows nothing of this plan any more.",), PlanState.UNDONE
    outcomes = dict(made.outcomes)
    for number, (word, _) in journal.words.items():
        if word == "holds":
            outcomes.setdefault(number, Outcome(ChangeState.HOLDS))
    return result_of(replace(journal.plan, notes=notes), state, plan_id=journal.id, outcomes=outcomes, diffs=False)
