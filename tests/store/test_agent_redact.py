"""Nothing secret of what agents said reaches the disk: codes, sign-in addresses, keys; and what is harmless stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.agents_made_up import FIRST, detection, noted, signal, transition
from store.world import everything_in, new_log, opened, run
from wa.detect import session_ops as ops
from wa.model.agent import Dialog, Limit, PaneState
from wa.store.agent_records import AgentBatch
from wa.store.agent_redact import CODE, SIGN_IN_TEXT, clean_detection, clean_transition, cleaned

CODE_SHOWN = "1F4J-LS4XN"
CHALLENGE = "Ez5Y7Z9vFPLNqkoSb5oTgbSt54dK5IWtK0FG"
URL = f"https://auth.openai.com/oauth/authorize?client_id=app_EMoam&code_challenge={CHALLENGE}&state=EIbBcpJz8UqaBcED"
KEY = "sk-ant-api03-q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l9o0p1z2x3c4v5b6n7m8"


def test_a_device_code_is_hidden_by_its_name(tmp_path):
    """Alone in its field it looks like nothing; where it was read it may be wrapped anyhow."""
    found = clean_detection(
        detection(
            "auth.device_code",
            text=f"Enter this code {CODE_SHOWN} (expires)",
            url=f"https://auth.openai.com/codex/device?user_code={CODE_SHOWN}",
            code=CODE_SHOWN,
            expires_s=900,
        )
    )

    assert found.fields == {
        "url": "https://auth.openai.com/codex/device?[redacted:oauth_query]",
        "code": CODE,
        "expires_s": 900,
    }
    assert found.place.text == SIGN_IN_TEXT


@pytest.mark.parametrize("code", [123456, "123456", "K7MQ", ("AB12-CD34",)])
def test_whatever_the_code_looks_like(code):
    """Numbers and short ones too."""
    assert CODE in str(clean_detection(detection("auth.device_code", code=code)).fields["code"])


def test_of_a_sign_in_address_the_query_goes():
    """Even one by which no pattern knows a sign-in."""
    found = clean_detection(detection("auth.url", url="https://login.example/x?anything=abc#frag", text="x abc"))

    assert found.fields == {"url": "https://login.example/x?[redacted:oauth_query]"}
    assert clean_detection(detection("auth.url", url="https://login.example/x")).fields == {
        "url": "https://login.example/x"
    }


def test_nothing_of_it_reaches_any_file(tmp_path):
    """As event, signal, dialog, limit, id or description; in fields at any depth."""
    asked = Dialog("codex.waiting.login", "waiting.login", f"Open {URL}", (f"Use {CODE_SHOWN}", KEY), 0, KEY)
    wrapped = URL[:70] + " " + URL[70:]

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            log = await new_log(writer)
            operations = (
                ops.OpenSession(FIRST, 1, joined=False),
                ops.DescribeSession(FIRST, 1, version=KEY, model=KEY, plan=KEY, project=f"/home/{KEY}"),
                ops.NoteSessionId(FIRST, 1, KEY, 1.0, "printed"),
                noted("auth.device_code", 1, code=CODE_SHOWN, url=URL, text=f"{CODE_SHOWN} {wrapped}"),
                noted("auth.url", 2, url=URL, text=wrapped),
                noted("auth.ok", 3, email="dev@example.com", text=f"signed in with {CODE_SHOWN}"),
                noted("auth.failed", 4, reason=f"code {CODE_SHOWN} expired"),
                noted("waiting.login", 5, options=(f"Paste {CODE_SHOWN}",), text=CODE_SHOWN),
                noted("waiting.approval", 6, command=f"export ANTHROPIC_API_KEY={KEY}", nested={"a": ({"b": KEY},)}),
                ops.NoteTransition(
                    transition(
                        7,
                        PaneState.WAITING_LOGIN,
                        dialog=asked,
                        limit=Limit(KEY, None, KEY, KEY, False),
                        signals=(
                            signal(f"code {CODE_SHOWN}", rule="codex.waiting.login"),
                            signal(wrapped, rule="codex.auth.url"),
                            signal(CODE_SHOWN, rule="codex.auth.device_code.old"),
                        ),
                    ),
                    FIRST,
                ),
                ops.NoteLimit(FIRST, 1, 8, KEY, KEY, KEY, KEY, None, KEY, False),
                ops.NoteModels(FIRST, (ops.ModelUsage(KEY, 1, 1, 1, 1),)),
                ops.NoteCompaction(FIRST, 1, 9, KEY, None, None),
                ops.OpenTurn(FIRST, 1, 10),
                ops.CloseTurn(FIRST, 1, 11, ops.Outcome.DONE, KEY),
                ops.NoteUsage(FIRST, 12, KEY, 1, 1, 1, 1, 1),
            )
            await writer.agent_events([AgentBatch(log.uid, operations)])
            running = everything_in(tmp_path)
        return running + everything_in(tmp_path)

    found = run(test)

    assert b"dev@example.com" in found
    for secret in (CODE_SHOWN, CHALLENGE, CHALLENGE[:16], CHALLENGE[-16:], "EIbBcpJz8UqaBcED", KEY, KEY[14:40]):
        assert secret.encode() not in found, secret


def test_what_is_harmless_stays():
    """Ids, commands, resets, mail addresses; a dashed word outside of a sign-in is no code."""
    fields = {
        "session_id": "01a1f869-203f-7d21-bf3a-c6f11f9844da",
        "command": "codex resume 01a1f869-203f-7d21-bf3a-c6f11f9844da",
        "reset": "Nov 24th, 2026 6:38 AM",
        "options": ("1. Yes", "2. No, and tell Codex what to do"),
        "models": {"gemini-2.5-pro": {"reqs": 4, "cached": 0}},
        "code": "E1234-5678",
    }
    found = detection("session.end", text="To continue: codex resume 01a1f869-203f", **fields)
    move = transition(1, signals=(signal("GPT4-MINI working"),))

    assert clean_detection(found) == found
    assert clean_transition(move) == move
    assert clean_detection(detection("auth.ok", email="dev@example.com")).fields == {"email": "dev@example.com"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.tuples(inner, inner)))
def test_cleaning_what_is_clean_changes_nothing(value):
    """Redaction happens once or twice; the result is the same."""
    once = cleaned(noted("auth.failed", 1, reason=value, code=value))

    assert cleaned(once) == once
