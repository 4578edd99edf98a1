"""A `wezterm` command that answers from a folder: `python fake_wezterm.py FOLDER cli …`.

`list.json`, `clients.json`, `text-ID` hold what is printed; `fail-COMMAND` holds a reason to fail with (its first word
the status); while `hang-COMMAND` exists it hangs. Every call is noted in `calls` as a JSON line.
"""

import json
import os
import sys
import time
from pathlib import Path

folder = Path(sys.argv[1])
args = sys.argv[2:]


def option(name: str) -> str:
    for at, word in enumerate(args):
        if word == name:
            return args[at + 1]
        if word.startswith(name + "="):
            return word.split("=", 1)[1]
    return ""


def main() -> None:
    if args == ["--version"]:
        print("wezterm 20250223-fake")
        return
    command = next((word for word in args[1:] if not word.startswith("-")), "")
    stdin = sys.stdin.buffer.read().decode("latin-1") if command == "send-text" else ""
    with (folder / "calls").open("a") as calls:
        calls.write(json.dumps({"args": args, "stdin": stdin, "env": dict(os.environ)}) + "\n")
    while (folder / f"hang-{command}").exists():
        time.sleep(0.01)
    if (failure := folder / f"fail-{command}").exists():
        status, _, reason = failure.read_text().partition(" ")
        sys.stderr.write(reason)
        sys.exit(int(status))
    if command == "list":
        print((folder / "list.json").read_text())
    elif command == "list-clients":
        print((folder / "clients.json").read_text())
    elif command == "get-text":
        rows = (folder / f"text-{option('--pane-id')}").read_bytes().split(b"\n")
        height = next(p["size"]["rows"] for p in _list() if p["pane_id"] == int(option("--pane-id")))
        top = len(rows) - height
        start = max(0, top + int(option("--start-line")))
        end = top + int(option("--end-line")) + 1
        sys.stdout.buffer.write(b"\n".join(rows[start:end]) + b"\n")
    elif command in ("spawn", "split-pane"):
        print(77)


def _list() -> list[dict]:
    return json.loads((folder / "list.json").read_text())


main()
