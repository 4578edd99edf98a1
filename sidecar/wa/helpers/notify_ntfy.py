"""ntfy (https://docs.ntfy.sh/publish/#publish-as-json, read 2026-11): the address is that of a topic."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from wa.helpers.notify import Destination, Message, NotifyError
from wa.helpers.notify_http import post

HIGH, LOW = 4, 2


class NtfyNotifier:
    name = "ntfy"

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    async def deliver(self, message: Message) -> None:
        url = self._destination.url(self.name)
        parts = urlsplit(url)
        above, _, topic = parts.path.rstrip("/").rpartition("/")
        if not topic:
            raise NotifyError("the address of ntfy names no topic", next_step="It looks like https://ntfy.sh/my-topic.")
        await post(
            urlunsplit((parts.scheme, parts.netloc, f"{above}/", "", "")),
            {
                "topic": unquote(topic),
                "title": message.title,
                "message": "\n".join(part for part in (message.body, message.command) if part) or message.title,
                "priority": HIGH if message.needs_you else LOW,
                "tags": ["raised_hand" if message.needs_you else "white_check_mark"],
            },
            token=self._destination.token(self.name, url),
            what="ntfy",
        )
