"""A webhook: one JSON object, POSTed. docs/topics/notices.md has its fields."""

from __future__ import annotations

from wa.helpers.notify import Destination, Message
from wa.helpers.notify_http import post


class WebhookNotifier:
    name = "webhook"

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    async def deliver(self, message: Message) -> None:
        url = self._destination.url(self.name)
        await post(
            url,
            {
                "title": message.title,
                "body": message.body,
                "needs_you": message.needs_you,
                "pane": message.pane_uid,
                "command": message.command,
                "at": message.at,
                # What chat services show of an object they know nothing else of.
                "text": "\n".join(part for part in (message.title, message.body, message.command) if part),
            },
            token=self._destination.token(self.name, url),
            what="webhook",
        )
