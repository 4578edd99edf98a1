"""The method of notices on the sidecar's socket."""

from __future__ import annotations

from collections.abc import Mapping

from wa.engine.notices import Notices
from wa.engine.params import names_in
from wa.engine.server import Handler, Params


def notice_handlers(notices: Notices) -> Mapping[str, Handler]:
    async def test(params: Params) -> dict[str, dict[str, str]]:
        return {"ways": dict(await notices.test(names_in(params, "ways", default=[])))}

    return {"notify_test": test}
