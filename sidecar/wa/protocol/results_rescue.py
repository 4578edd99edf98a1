"""What `wa rescue` returns."""

from __future__ import annotations

from typing import Literal, TypedDict


class RescueServerResult(TypedDict):
    """A server of WezTerm's that runs. Null: not known."""

    pid: int
    kind: Literal["mux", "gui", "other"]
    age_s: int
    state: str
    """As the kernel has it: S sleeps, R runs, D waits for a disk, T is stopped."""
    command: str
    unit: str | None
    sockets: list[str]
    owns_socket: bool | None
    """False: another server has taken its place, and nobody reaches this one."""
    answers: bool | None
    answer_ms: float | None
    trouble: str | None
    version: str | None
    codec: int | None
    rss_bytes: int | None
    growth_bytes_per_minute: float | None
    """Over a few seconds' readings."""
    unit_memory_bytes: int | None
    unit_memory_peak_bytes: int | None
    threads: int | None
    descriptors: int
    descriptor_limit: int | None
    panes: int


class RescuePaneResult(TypedDict):
    tty: str
    """`pts/4`: a name that `wa rescue --move` takes."""
    pane_uid: str | None
    """wa's own name for it, where the database knows the pane."""
    pane_id: int | None
    """WezTerm's."""
    server: int
    leader: int | None
    """The terminal's first process, whose session is moved as a whole."""
    processes: list[int]
    program: str
    """In the foreground."""
    agent: str | None
    cwd: str
    title: str | None
    hindrance: str | None
    """Why it cannot be moved."""


class RescueLogResult(TypedDict):
    path: str
    bytes: int
    tail: list[str]
    troubles: list[str]


class SymptomResult(TypedDict):
    symptom: str
    cause: str
    fix: str
    applies: bool
    seen: list[str]
    """What was found that speaks for it."""


class RescueResult(TypedDict):
    """`wa rescue` without more."""

    host: str | None
    system: str
    load: float
    cores: int
    memory_bytes: int | None
    available_bytes: int | None
    swap_bytes: int | None
    swap_free_bytes: int | None
    ptrace_scope: int | None
    reptyr: str | None
    tmux: str | None
    servers: list[RescueServerResult]
    panes: list[RescuePaneResult]
    logs: list[RescueLogResult]
    symptoms: list[SymptomResult]
    last_rescue: str | None
    """Its id, for `wa rescue --report`."""
    notes: list[str]


class RescuedPaneResult(TypedDict):
    tty: str
    pane_uid: str | None
    pane_id: int | None
    outcome: Literal["planned", "moved", "stayed", "stuck", "gone", "lost", "unknown"]
    """stuck: reptyr hangs in the server; unknown: the rescue was cut off in this pane's turn, see `held_by`."""
    place: str | None
    """Session and window of tmux: `tmux attach -t SESSION`."""
    window: str | None
    """tmux's own name for the window, which stays when others close."""
    held_by: str | None
    """Who holds the terminal now: `reptyr 4711`, `wezterm-mux-ser 812`, or nobody."""
    alive: bool
    leader: int | None
    processes: list[int]
    program: str
    agent: str | None
    title: str | None
    shows: Literal["seen", "silent"] | None
    """Whether anything stood in the new window when it was looked at."""
    why: str | None


class RescueMoveResult(TypedDict):
    """A plan, or what was rescued where. `panes` is the table from which wa goes on with the same history."""

    id: str | None
    host: str | None
    session: str | None
    state: Literal["planned", "moved", "partly", "running", "none"]
    steps: list[str]
    panes: list[RescuedPaneResult]
    restarted: bool
    notes: list[str]


RESULTS: dict[str, type] = {
    "rescue": RescueResult,
    "rescue-move": RescueMoveResult,
    "rescue-report": RescueMoveResult,
}
