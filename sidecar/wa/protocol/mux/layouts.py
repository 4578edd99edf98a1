"""The layout of every PDU, by codec.

Source: codec/src/lib.rs of wezterm at 4ff581a8 (2025-02-23, codec 44), compared with 20240203 (42) and 05343b38 (45).

What changed between 42 and 45 stands in SINCE and nowhere else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from wa.model.errors import ProtocolUnsupported
from wa.protocol.mux import pdus as p
from wa.protocol.mux import values as v
from wa.protocol.mux.keys import KEY_EVENT
from wa.protocol.mux.shapes import (
    DIMENSIONS_RESPONSE,
    LINES,
    MAYBE_TEXT,
    MAYBE_UINT,
    OS,
    PROGRESS,
    RANGE,
    RANGES,
    RENDER_CHANGES,
    TERMINAL_SIZE,
    WINDOW_TITLES,
    Notify,
)
from wa.protocol.mux.tree import PANE_NODE
from wa.protocol.mux.varbincode import (
    BLOB,
    BOOL,
    INT,
    REST,
    TEXT,
    U8,
    UINT,
    Choice,
    Option,
    Pair,
    Shape,
    Struct,
    Union,
    Vec,
)

SUPPORTED_CODECS = range(42, 46)

SINCE = {"ClientId.ssh_auth_sock": 43, "SetClientId.is_proxy": 43, "Alert.Progress": 44}
"""First codec that has the field or variant. All else is the same on the wire in all of SUPPORTED_CODECS."""


class Layouts(NamedTuple):
    by_ident: dict[int, Shape[Any]]
    by_class: dict[type[Any], tuple[int, Shape[Any]]]


@lru_cache(maxsize=len(SUPPORTED_CODECS))
def layouts(codec: int) -> Layouts:
    if codec not in SUPPORTED_CODECS:
        raise ProtocolUnsupported(
            f"codec {codec} is not among those wa knows, {SUPPORTED_CODECS[0]} to {SUPPORTED_CODECS[-1]}"
        )
    table = _table(frozenset(what for what, since in SINCE.items() if codec >= since))
    return Layouts(
        {ident: shape for ident, _, shape in table},
        {cls: (ident, shape) for ident, cls, shape in table},
    )


def _table(has: frozenset[str]) -> list[tuple[int, type[Any], Shape[Any]]]:
    auth_sock = (MAYBE_TEXT,) if "ClientId.ssh_auth_sock" in has else ()
    is_proxy = (BOOL,) if "SetClientId.is_proxy" in has else ()
    progress = ((v.Progress, PROGRESS),) if "Alert.Progress" in has else ()

    client_id: Shape[Any] = Struct(v.ClientId, TEXT, TEXT, UINT, UINT, UINT, *auth_sock)
    client_info: Shape[Any] = Struct(v.ClientInfo, client_id, INT, MAYBE_TEXT, INT, MAYBE_UINT)
    alert: Union[v.Alert] = Union(
        "an alert",
        (v.Bell, Struct(v.Bell)),
        (v.Toast, Struct(v.Toast, MAYBE_TEXT, TEXT, BOOL)),
        (v.CwdChanged, Struct(v.CwdChanged)),
        (v.IconTitle, Struct(v.IconTitle, MAYBE_TEXT)),
        (v.PaneTitle, Struct(v.PaneTitle, TEXT)),
        (v.TabTitle, Struct(v.TabTitle, MAYBE_TEXT)),
        (v.PaletteChanged, Struct(v.PaletteChanged)),
        (v.UserVar, Struct(v.UserVar, TEXT, TEXT)),
        (v.OutputSinceFocusLost, Struct(v.OutputSinceFocusLost)),
        *progress,
    )
    return [
        *((ident, cls, Struct(cls, *fields)) for ident, cls, *fields in _SAME_EVERYWHERE),
        (25, p.GetPaneRenderChangesResponse, RENDER_CHANGES),
        (39, p.NotifyAlert, Notify(alert)),
        (39, p.UnknownAlert, Notify(alert)),
        (40, p.SetClientId, Struct(p.SetClientId, client_id, *is_proxy)),
        (42, p.GetClientListResponse, Struct(p.GetClientListResponse, Vec(client_info))),
        (52, p.GetPaneRenderableDimensionsResponse, DIMENSIONS_RESPONSE),
    ]


_DIRECTION = Choice("a pane direction", 6)
_ENV: Shape[Any] = Struct(v.EnvEntry, BOOL, OS, OS)
_COMMAND: Shape[Any] = Option(Struct(v.CommandBuilder, Vec(OS), Vec(Pair(OS, _ENV)), Option(OS), MAYBE_UINT, BOOL))
_DOMAIN: Shape[Any] = Union(
    "a spawn domain",
    (v.DefaultDomain, Struct(v.DefaultDomain)),
    (v.CurrentPaneDomain, Struct(v.CurrentPaneDomain)),
    (v.DomainName, Struct(v.DomainName, TEXT)),
    (v.DomainId, Struct(v.DomainId, UINT)),
)
_SPLIT_SIZE: Shape[Any] = Union(
    "a split size", (v.SplitCells, Struct(v.SplitCells, UINT)), (v.SplitPercent, Struct(v.SplitPercent, U8))
)
_SPLIT_REQUEST: Shape[Any] = Struct(v.SplitRequest, Choice("a split's direction", 2), BOOL, BOOL, _SPLIT_SIZE)
_PATTERN: Shape[Any] = Union(
    "a search pattern",
    (v.CaseSensitive, Struct(v.CaseSensitive, TEXT)),
    (v.CaseInsensitive, Struct(v.CaseInsensitive, TEXT)),
    (v.Regex, Struct(v.Regex, TEXT)),
)
_RESULT: Shape[Any] = Struct(v.SearchResult, INT, UINT, INT, UINT, UINT)

_SAME_EVERYWHERE: tuple[Any, ...] = (
    (0, p.ErrorResponse, TEXT),
    (1, p.Ping),
    (2, p.Pong),
    (3, p.ListPanes),
    (4, p.ListPanesResponse, Vec(PANE_NODE), Vec(TEXT), WINDOW_TITLES),
    (8, p.SpawnResponse, UINT, UINT, UINT, TERMINAL_SIZE),
    (9, p.WriteToPane, UINT, BLOB),
    (10, p.UnitResponse),
    (11, p.SendKeyDown, UINT, KEY_EVENT, UINT),
    (13, p.SendPaste, UINT, TEXT),
    (14, p.Resize, UINT, UINT, TERMINAL_SIZE),
    (20, p.SetClipboard, UINT, MAYBE_TEXT, Choice("a clipboard", 2)),
    (22, p.GetLines, UINT, RANGES),
    (23, p.GetLinesResponse, UINT, LINES),
    (24, p.GetPaneRenderChanges, UINT),
    (26, p.GetCodecVersion),
    (27, p.GetCodecVersionResponse, UINT, TEXT, TEXT, MAYBE_TEXT),
    (30, p.LivenessResponse, UINT, BOOL),
    (31, p.SearchScrollbackRequest, UINT, _PATTERN, RANGE, MAYBE_UINT),
    (32, p.SearchScrollbackResponse, Vec(_RESULT)),
    (33, p.SetPaneZoomed, UINT, UINT, BOOL),
    (34, p.SplitPane, UINT, _SPLIT_REQUEST, _COMMAND, MAYBE_TEXT, _DOMAIN, MAYBE_UINT),
    (35, p.KillPane, UINT),
    (36, p.SpawnV2, _DOMAIN, MAYBE_UINT, _COMMAND, MAYBE_TEXT, TERMINAL_SIZE, TEXT),
    (37, p.PaneRemoved, UINT),
    (38, p.SetPalette, UINT, REST),
    (41, p.GetClientList),
    (43, p.SetWindowWorkspace, UINT, TEXT),
    (44, p.WindowWorkspaceChanged, UINT, TEXT),
    (45, p.SetFocusedPane, UINT),
    (48, p.MovePaneToNewTab, UINT, MAYBE_UINT, MAYBE_TEXT),
    (49, p.MovePaneToNewTabResponse, UINT, UINT),
    (50, p.ActivatePaneDirection, UINT, _DIRECTION),
    (51, p.GetPaneRenderableDimensions, UINT),
    (53, p.PaneFocused, UINT),
    (54, p.TabResized, UINT),
    (55, p.TabAddedToWindow, UINT, UINT),
    (56, p.TabTitleChanged, UINT, TEXT),
    (57, p.WindowTitleChanged, UINT, TEXT),
    (58, p.RenameWorkspace, TEXT, TEXT),
    (59, p.EraseScrollbackRequest, UINT, Choice("an erase mode", 2)),
    (60, p.GetPaneDirection, UINT, _DIRECTION),
    (61, p.GetPaneDirectionResponse, MAYBE_UINT),
    (62, p.AdjustPaneSize, UINT, _DIRECTION, UINT),
)
