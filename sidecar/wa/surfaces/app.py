"""The Typer application: one file per noun, and one place where errors become words and exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from wa import __version__
from wa.model.errors import UsageError, WaError
from wa.surfaces import (
    acting,
    audit,
    commands,
    completion,
    config,
    demo,
    doctor,
    events,
    explain,
    export,
    forget,
    help,  # noqa: A004 - the command's name
    hooks,
    inside,
    logs,
    notices,
    panes,
    policy,
    queue,
    rescue,
    rules,
    run,
    search,
    send,
    sessions,
    setup,
    status,
    stop,
    tune,
    uninstall,
    watch,
    workflow,
)
from wa.surfaces.output import complain, say

ParseError: Any = typer.BadParameter.__bases__[0]
"""click's UsageError, which Typer carries with it under changing names."""

COMMANDS: dict[str, Callable[..., None]] = {
    "watch": watch.watch,
    "status": status.status,
    "panes": panes.panes,
    "logs": logs.logs,
    "search": search.search,
    "events": events.events,
    "commands": commands.commands,
    "notices": notices.notices,
    "send": send.send,
    "keys": send.keys,
    "choose": send.choose,
    "pause": acting.pause,
    "resume": acting.resume,
    "approvals": acting.approvals,
    "approve": acting.approve,
    "deny": acting.deny,
    "audit": audit.audit,
    "why": audit.why,
    "explain": explain.explain,
    "record": explain.record,
    "forget": forget.forget,
    "export": export.export,
    "plugin": inside.plugin,
    "shell": inside.shell,
    "run": run.run,
    "stop": stop.stop,
    "tune": tune.tune,
    "doctor": doctor.doctor,
    "rescue": rescue.rescue,
    "demo": demo.demo,
    "uninstall": uninstall.uninstall,
    "completion": completion.completion,
    "help": help.help_command,
}
"""Every command without commands of its own, in the order of `wa help`."""
GROUPS: dict[str, typer.Typer] = {
    "sessions": sessions.app,
    "workflow": workflow.app,
    "queue": queue.app,
    "policy": policy.app,
    "notify": notices.app,
    "rules": rules.app,
    "hooks": hooks.app,
    "setup": setup.app,
    "config": config.app,
}
"""Those that have some."""

app = typer.Typer(
    name="wa",
    help="Watches every pane of every WezTerm, keeps what they print, finds it again, and types where it is safe.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
for name, command in COMMANDS.items():
    app.command(name)(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        say(f"wa {__version__}")
    elif context.invoked_subcommand is None:
        say(help.QUICK_START)


def click_tree() -> Any:
    """The commands and their parameters as click sees them, for completion, help and the reference."""
    return typer.main.get_command(app)


def run_app(words: list[str]) -> int:
    """The exit status. Every error ends here, as words or as an envelope."""
    as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
    if words[:1] == ["--json"] and len(words) > 1:
        # Programs may put the switch first.
        words = [words[1], "--json", *words[2:]]
    try:
        status = click_tree().main(words, prog_name="wa", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except ParseError as error:
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError" and context is not None and not as_json:
            say(context.get_help())
            return UsageError.exit_status
        path = context.command_path if context else "wa"
        return complain(UsageError(error.format_message(), next_step=f"Run `{path} --help`."), as_json=as_json)
    except WaError as error:
        return complain(error, as_json=as_json)
    except typer.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            # Ctrl-C, as some versions of click wrap it.
            raise error.__cause__ from None
        return complain(WaError("cancelled", next_step="Nothing was done."), as_json=as_json)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except SystemExit as leaving:
        if leaving.code == 1:
            # How click leaves where whoever read us has gone.
            raise BrokenPipeError from None
        raise
    except OSError as error:
        return complain(WaError(f"{error}"), as_json=as_json)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        step = "This is a bug of wa: please report it with the lines above."
        return complain(WaError(f"{type(error).__name__}: {error}", next_step=step), as_json=as_json)
