"""The menu of hosts: a numbered table and one question. Plain text, as every terminal has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from wa.model.errors import UsageError
from wa.model.host import FoundHost
from wa.surfaces.output import Style, Terminal, say
from wa.surfaces.tables import Cell, Column, table
from wa.surfaces.text import harmless

HOW = "Which ones? Numbers (1 3-5), names, all; nothing for none: "
MAX_TRIES = 5


def choose(
    hosts: Sequence[FoundHost],
    terminal: Terminal,
    *,
    known: Mapping[str, str] | None = None,
    ask: Callable[[str], str] = input,
) -> list[str]:
    """The `name`s picked, in the order of the table; none where nothing was answered. Raises UsageError.

    *known*: what is known of a host, in a few words, by its `name`.
    """
    if not hosts:
        return []
    say(*render_hosts(hosts, terminal, known=known))
    for _ in range(MAX_TRIES):
        try:
            answer = ask(HOW)
        except EOFError:
            return []
        picked = pick(answer, hosts)
        if isinstance(picked, list):
            return picked
        say(harmless(picked))
    raise UsageError("no hosts were picked", next_step="Name them: --remotes a,b")


def render_hosts(
    hosts: Sequence[FoundHost], terminal: Terminal, *, known: Mapping[str, str] | None = None
) -> list[str]:
    columns = [
        Column("", right=True),
        Column("host", flexible=True, least=10),
        Column("address", flexible=True, least=12, drop=1),
        Column("found in", flexible=True, least=10, drop=2),
        Column("known", flexible=True, least=46 if known else 10),
    ]
    rows = list[list[str | Cell]]()
    for number, host in enumerate(hosts, 1):
        said = Cell(host.trouble, Style.WARN) if host.trouble else Cell((known or {}).get(host.name, _also(host)))
        rows.append([str(number), host.title, address_of(host), _found_in(host), said])
    if not any(row[4].text for row in rows if isinstance(row[4], Cell)):
        columns, rows = columns[:4], [row[:4] for row in rows]
    return table(columns, rows, terminal)


def pick(answer: str, hosts: Sequence[FoundHost]) -> list[str] | str:
    """The names that *answer* means, or what is wrong with it."""
    words = [word for word in re.split(r"[\s,]+", answer.strip()) if word]
    if [word.lower() for word in words] in ([], ["none"]):
        return []
    picked = set[int]()
    for word in words:
        if word.lower() == "all":
            picked |= {at for at, host in enumerate(hosts) if host.is_usable}
            continue
        # A host may be called 10 or 1-2: its name comes first.
        named = [at for at, host in enumerate(hosts) if host.is_called(word)]
        if not named and (span := re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", word, re.ASCII)):
            first, last = int(span[1]), int(span[2] or span[1])
            if not 1 <= first <= last <= len(hosts):
                return f"{word}: there are numbers from 1 to {len(hosts)}."
            named = list(range(first - 1, last))
        if not named:
            return f"{word}: no such host. Give its number, or a name of the table."
        for at in named:
            if not hosts[at].is_usable:
                return f"{hosts[at].title} cannot be used: {hosts[at].trouble}."
        picked |= set(named)
    return [hosts[at].name for at in sorted(picked)]


def address_of(host: FoundHost) -> str:
    """`ubuntu@10.0.0.3:2222 by bastion`; the port where it is not 22."""
    if host.address is None:
        return ""
    address = f"[{host.address}]" if ":" in host.address and host.port != 22 else host.address
    at = f"{host.user}@{address}" if host.user else address
    port = f":{host.port}" if host.port not in (None, 22) else ""
    return f"{at}{port}{f' by {host.jump}' if host.jump else ''}"


def _found_in(host: FoundHost) -> str:
    return ", ".join(host.found_in)


def _also(host: FoundHost) -> str:
    also = [name for name in host.also if "@" not in name and not name.startswith("ssh://")]
    return f"also {', '.join(also)}" if also else ""
