"""wa's block in a wezterm.lua: what the user wrote stays, byte for byte, and means what it meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua54

from wa.provision.lua_text import lua_block_in, put_lua_block, returned, take_lua_block
from wa.provision.text_trouble import TextTrouble


def body(variable: str) -> str:
    return f"do\n  local added = {{ true }}\n  {variable}.ours = added[1]\nend\n"


def put(text: str) -> str:
    return put_lua_block(text, "plugin", body)


def run(text: str) -> dict[str, object]:
    """What the chunk returns, for those whose values are plain."""
    table = lua54.LuaRuntime().execute("local text = ... return (assert(load(text))())", text.removeprefix("\ufeff"))
    return dict(table.items())


def test_it_stands_before_the_last_return_and_uses_the_files_own_variable() -> None:
    """Whatever that is called; a `return` in a function, a comment or a string is none of the file's."""
    text = (
        "local c = {}\nlocal function f(x)\n  if x then return c end\n  return nil\nend\n"
        "-- return config\nlocal s = 'return config' .. [==[\nreturn config\n]==]\n--[[ return c ]]\nc.a = s\nreturn c\n"
    )
    changed = put(text)

    assert changed.endswith("c.ours = added[1]\nend\n-- wa plugin: end\nreturn c\n")
    assert run(changed) == {**run(text), "ours": True}


HOSTILE = {
    "expression": "return { a = 1 }\n",
    "expression and comment": "return { a = 1 } -- done",
    "expression and semicolon": "return { a = 1, };\n-- end\n",
    "call": "local function setup(c) c.a = 1 return c end\nlocal config = {}\nreturn setup(config)",
    "method": "local m = {}\nfunction m:make() return { a = 1 } end\nreturn m:make()\n",
    "in brackets": "return ({ a = 1 })",
    "condition": "local x = { a = 1 }\nreturn x or {}",
    "one line": "local c = { a = 1 } return c",
    "behind a comment": "local c = { a = 1 }\n--[[ it ends ]] return c --[[ here ]]",
    "indented": "local c = { a = 1 }\n    return c",
    "windows": "local c = { a = 1 }\r\nif c then\r\n  c.b = 2\r\nend\r\nreturn c\r\n",
    "old mac": "local c = { a = 1 }\rreturn c\r",
    "mark of bytes": "\ufeffreturn { a = 1 }",
    "mark of bytes, variable": "\ufeffx = { a = 1 } return x",
    "no line": "return{a=1}",
    "two lines": "return\n{\n a = 1 }\n",
    "two values": "return { a = 1 }, 7",
    "text escapes": 'local c = { a = "\\"return x\\\n--[[", b = "\\z   \n  x", [1] = \'\\\'\' }\nreturn c',
    "levels": "local c = { a = [==[ ]] ]=] -- ]==], b = 1 } --[=[ ]] return d ]=]\nreturn c",
    "while, for, repeat": (
        "local c = { a = 1 }\nwhile false do return end\nfor i = 1, 2 do if i == 3 then return c end end\n"
        "repeat local x = function() return 1 end until true\ngoto done\n::done::\nreturn c"
    ),
    "attribute": "local c <const> = { a = 1 }\nreturn c",
    "numbers": "local c = { a = 0x1p-3, b = 1e+5, d = 3 .. 2 }\nreturn c",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_taking_it_out_gives_the_very_text(text: str) -> None:
    """And with it in, the file says the same, and ours."""
    changed = put(text)

    assert run(changed) == {**run(text), "ours": True}
    assert put(changed) == changed
    assert take_lua_block(changed, "plugin") == text
    assert lua_block_in(text, "plugin") is None
    assert lua_block_in(changed, "plugin") is not None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_blocks_of_two_names_do_not_know_of_each_other(text: str) -> None:
    """In either order they are taken out."""
    first = put_lua_block(text, "plugin", body)
    both = put_lua_block(first, "tune", lambda variable: f"{variable}.tuned = true")

    assert run(both) == {**run(text), "ours": True, "tuned": True}
    assert take_lua_block(both, "tune") == first
    assert put(both) == both
    assert put_lua_block(put(both), "tune", lambda variable: f"{variable}.tuned = true") == both
    other = take_lua_block(both, "plugin")
    assert run(other) == {**run(text), "tuned": True}
    assert take_lua_block(other, "tune") == text


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", None, "returns no configuration"),
        ("local c = {}\n", 1, "returns no configuration"),
        ("return", 1, "returns nothing"),
        ("return;", 1, "returns nothing"),
        ("local c = {}\nif c then\nreturn c", 2, "`if` is not closed"),
        ("local c = {\nreturn c", 1, "`{` is not closed"),
        ("local c = {}\nend\nreturn c", 2, "`end` closes nothing"),
        ("\n\nlocal s = 'abc\nreturn s", 3, "a string is not closed"),
        ("--[[ abc\nreturn s", 1, "is not closed"),
        ("-- wa plugin: begin\nreturn c", 1, "has no end"),
        ("-- wa plugin: end\nreturn c", 1, "do not pair"),
    ],
)
def test_what_cannot_be_done_safely_is_refused(text: str, line: int | None, why: str) -> None:
    """With the line, and nothing is guessed."""
    with pytest.raises(TextTrouble, match=why) as caught:
        put(text)

    assert caught.value.line == line


def test_a_mark_in_a_string_is_no_mark() -> None:
    """Only comments are."""
    text = "local c = { a = '-- wa plugin: begin' }\nreturn c\n"

    assert take_lua_block(put(text), "plugin") == text


def test_what_stands_in_the_block_is_replaced() -> None:
    """Whatever somebody wrote between its marks."""
    text = "local c = { a = 1 }\nreturn c\n"
    edited = put(text).replace("added[1]", "added[2]")

    assert put(edited) == put(text)


BLANK = st.sampled_from(
    [" ", "\n", "\r\n", "\t", "\n\n", " -- return x\n", " --[[ return y ]] ", "--[==[\n]]return]==]"]
)
VALUE = st.sampled_from(
    ["1", "'return config'", '"\\"--[["', "[[\nreturn]]", "[=[]]]=]", "(function() return 3 end)()", "#'abc'", "0x10"]
)
STATEMENT = st.sampled_from(
    [
        "V.k = {}",
        "if {} then V.t = 1 else V.t = 2 end",
        "for i = 1, 2 do V['n' .. i] = {} end",
        "local function f(...) return ... end V.f = f({})",
        "do local V = {} end",
        "repeat local q = {} until true",
        "while false do return {} end",
        ";",
    ]
)


@st.composite
def chunks(draw: st.DrawFn) -> str:
    variable = draw(st.sampled_from(["c", "config", "_", "return_", "M"]))
    parts = [draw(st.sampled_from(["", "\ufeff"])), draw(BLANK), f"local {variable} = {{}}"]
    for _ in range(draw(st.integers(0, 5))):
        statement = draw(STATEMENT).replace("V", variable)
        parts += [draw(BLANK), statement.replace("{}", draw(VALUE))]
    ends = ["return V", "return V;", "return (V)", "return{ z = {} }", "return setmetatable(V, nil)", "return V or nil"]
    end = draw(st.sampled_from(ends)).replace("V", variable).replace("{}", draw(VALUE))
    return "".join([*parts, draw(BLANK), end, draw(st.sampled_from(["", "\n", "\r\n", " -- x", "--[[x]]"]))])


@settings(max_examples=300, deadline=None)
@given(chunks())
def test_any_file_keeps_its_bytes_and_its_meaning(text: str) -> None:
    """Put, put again, take."""
    changed = put(text)

    assert run(changed) == {**run(text), "ours": True}
    assert put(changed) == changed
    assert take_lua_block(changed, "plugin") == text
    assert returned(text).start >= returned(text).at
