"""Ways to reach a person: what each is given, and how it says that it failed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from wa.model.errors import WaError

WITHIN_S = 10.0
"""For one try on one way."""
MAX_SECRET_BYTES = 4096


class Message(NamedTuple):
    """Clean already: secrets taken out, no control characters, short."""

    title: str
    body: str
    needs_you: bool
    command: str
    """A command line that leads to the pane; "" for none."""
    pane_uid: str | None
    at: str
    """ISO 8601."""


class NotifyError(WaError):
    """A notice could not be delivered. Its words hold neither address nor token."""

    code = "notify"
    next_step = "Run `wa notify test`."

    def __init__(self, message: str, *, again: bool = False, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.again = again
        """It may work a little later."""


class Notifier(Protocol):
    @property
    def name(self) -> str: ...

    async def deliver(self, message: Message) -> None:
        """Raises NotifyError; returns when the other side has taken it."""
        ...


class Destination(NamedTuple):
    """Where the address and the token of a way stand; never they themselves."""

    url_file: str = ""
    url_env: str = ""
    token_file: str = ""
    token_env: str = ""

    def url(self, what: str, env: Mapping[str, str] | None = None) -> str:
        """Raises NotifyError."""
        found = _secret(self.url_file, self.url_env, f"the address of {what}", env)
        if not found:
            raise NotifyError(
                f"nothing says where {what} is", next_step=f"Set notify.{what}.url_file or notify.{what}.url_env."
            )
        parts = urlsplit(found)
        try:
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username or parts.password or re.search(r"[\s\x00-\x1f\x7f]", found):
            raise NotifyError(f"what is given as the address of {what} is no http(s) address without a password in it")
        return found

    def token(self, what: str, url: str, env: Mapping[str, str] | None = None) -> str:
        """Empty for none. Raises NotifyError, also where it would travel in the clear."""
        found = _secret(self.token_file, self.token_env, f"the token for {what}", env)
        if found and urlsplit(url).scheme == "http" and not _is_here(urlsplit(url).hostname or ""):
            raise NotifyError(f"the token for {what} would travel unencrypted", next_step="Give an https address.")
        if found and not re.fullmatch(r"[\x21-\x7e]+", found):
            raise NotifyError(f"the token for {what} is not one printable word")
        return found


def _secret(path: str, name: str, what: str, env: Mapping[str, str] | None) -> str:
    if path:
        return _of_file(Path(path).expanduser(), what)
    if name:
        found = (os.environ if env is None else env).get(name, "").strip()
        if not found:
            raise NotifyError(
                f"{what} should be in the environment variable {name}, which the sidecar does not have",
                next_step=f"Start `wa watch` with {name} set, or keep it in a file.",
            )
        return found
    return ""


def _of_file(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise NotifyError(
                    f"{path}, which holds {what}, can be read by others (mode {mode:o})",
                    next_step=f"Run `chmod 600 {path}`.",
                )
            found = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise NotifyError(f"{path}, which should hold {what}, cannot be read: {error.strerror}") from None
    text = found.decode("utf-8", "replace").strip()
    if not text or len(found) > MAX_SECRET_BYTES or "\n" in text:
        raise NotifyError(f"{path} should hold {what} and nothing else, on one line")
    return text


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))
