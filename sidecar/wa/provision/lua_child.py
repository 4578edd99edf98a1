"""Evaluates one configuration of WezTerm in a Lua that can neither write nor start anything: a program of its own.

Reads a request from standard input and writes the answer to standard output, both JSON: see lua_eval.py, which starts it,
waits a bounded time for it, and outlives whatever happens here. Knows nothing of wa, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import socket
import stat
import sys
from pathlib import Path
from typing import Any

MAX_MODULE_BYTES = 8_000_000
MAX_LUA_BYTES = 512_000_000
MAX_NODES = 500_000
MAX_DEPTH = 60
MAX_INSTRUCTIONS = 50_000_000
CPU_S = 8
WORDS = {str: "a string", bool: "a boolean", int: "a number", float: "a number"}
ENVIRONMENT = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "PATH", "XDG_CONFIG_HOME", "XDG_SESSION_TYPE",
               "XDG_CURRENT_DESKTOP", "WEZTERM_CONFIG_FILE", "WEZTERM_CONFIG_DIR")  # fmt: skip
"""What a configuration may ask of the environment."""

SANDBOX = """
local host, read, path, limit, note = ...
local debug_sethook, debug_traceback, native_load = debug.sethook, debug.traceback, load
local getenv, date, time, clock, difftime = os.getenv, os.date, os.time, os.clock, os.difftime

local function refused(what)
  return function() return nil, what .. ": not done here", 1 end
end
local function popen()
  note("programs that `io.popen` would start were not started")
  return { read = function() return "" end, lines = function() return function() end end,
           write = function() return true end, close = function() return true, "exit", 0 end }
end
io = { open = refused("io.open"), popen = popen, write = function() end, read = refused("io.read"),
       lines = function() return function() end end, close = refused("io.close"), type = function() end,
       tmpfile = refused("io.tmpfile"), stderr = { write = function() end }, stdout = { write = function() end } }
os = { date = date, time = time, clock = clock, difftime = difftime, setlocale = refused("os.setlocale"),
       tmpname = function() return "/nonexistent" end, remove = refused("os.remove"), rename = refused("os.rename"),
       execute = refused("os.execute"), exit = function() error("os.exit was called", 2) end,
       getenv = function(name) return host.env[name] end }
python, debug, string.dump = nil, { traceback = debug_traceback }, nil
print = function() end
collectgarbage = function() return 0 end

load = function(chunk, name, _, ...)
  if type(chunk) == "function" then
    local parts = {}
    for part in chunk do
      if part == "" then break end
      parts[#parts + 1] = part
    end
    chunk = table.concat(parts)
  end
  return native_load(chunk, name, "t", ...)
end
loadfile = function(file, _, ...)
  local text = read(file)
  if not text then return nil, "cannot open " .. tostring(file) end
  return native_load(text, "@" .. tostring(file), "t", ...)
end
dofile = function(file)
  return assert(loadfile(file))()
end

local loaded, preload = {}, {}
for _, name in ipairs({ "string", "table", "math", "utf8", "coroutine", "os", "io", "debug" }) do
  loaded[name] = _G[name]
end
loaded._G = _G
package = { loaded = loaded, preload = preload, path = path, cpath = "", config = "/\\n;\\n?\\n!\\n-\\n" }
package.searchpath = function(name, templates)
  local inside = name:gsub("%.", "/")
  for template in templates:gmatch("[^;]+") do
    local file = template:gsub("%?", (inside:gsub("%%", "%%%%")))
    if read(file) then return file end
  end
  return nil, "\\n\\tno file for '" .. name .. "'"
end
package.searchers = {}
require = function(name)
  if loaded[name] ~= nil then return loaded[name] end
  local loader, where = preload[name], ":preload:"
  if not loader then
    local file, tried = package.searchpath(name, package.path)
    if not file then error("module '" .. tostring(name) .. "' not found:" .. tried, 2) end
    local why
    loader, why = native_load(read(file), "@" .. file, "t")
    if not loader then error("error loading module '" .. name .. "' from file '" .. file .. "':\\n\\t" .. why, 2) end
    where = file
  end
  local answer = loader(name, where)
  if answer ~= nil then loaded[name] = answer end
  if loaded[name] == nil then loaded[name] = true end
  return loaded[name], where
end

local function hook()
  debug_sethook(hook, "", 1)
  error("it still runs after " .. limit .. " steps", 2)
end
local create, wrap = coroutine.create, coroutine.wrap
coroutine.create = function(func)
  local thread = create(func)
  debug_sethook(thread, hook, "", limit)
  return thread
end
coroutine.wrap = function(func)
  local thread = coroutine.create(func)
  return function(...)
    local answer = table.pack(coroutine.resume(thread, ...))
    if not answer[1] then error(answer[2], 0) end
    return table.unpack(answer, 2, answer.n)
  end
end

return function(text, name, stubs, is_fragment)
  loaded.wezterm = stubs.wezterm
  if is_fragment then
    setmetatable(_G, { __index = function(_, key) if key ~= "_PROMPT" then return stubs.stand_in() end end })
  end
  local chunk, why = native_load(text, "@" .. name, "t")
  if not chunk then return false, why end
  debug_sethook(hook, "", limit)
  local ok, answer = xpcall(chunk, function(trouble)
    if type(trouble) ~= "string" and not (getmetatable(trouble) or {}).__tostring then
      trouble = "an error that is a " .. type(trouble)
    end
    return tostring(trouble)
  end)
  debug_sethook()
  return ok, answer
end
"""


class Reader:
    """Files that modules are read from: given ones, and those below the folders of WezTerm's configuration."""

    def __init__(self, roots: list[str], given: dict[str, str]) -> None:
        self.roots = [os.path.normpath(root) for root in roots]
        self.given = given

    def __call__(self, name: object) -> str | None:
        path = os.path.normpath(_utf8(str(name)))
        if path in self.given:
            return _latin(self.given[path])
        if not path.endswith(".lua") or not any(path.startswith(root.rstrip("/") + "/") for root in self.roots):
            return None
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return file.read(MAX_MODULE_BYTES).removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _latin(text: str) -> str:
    """A text as Lua gets it here: one character a byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _utf8(text: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


class Tree:
    """What a configuration returned, as JSON: `{"l": […]}`, `{"d": [[key, value]…]}`, `{"o": "function"}`, or the value."""

    def __init__(self, lua_type: Any, identity: Any) -> None:
        self._type = lua_type
        self._identity = identity
        """Of a table: its address, and whether it is a stand-in."""
        self._nodes = 0
        self._open: list[str] = []

    def __call__(self, value: Any) -> Any:
        self._nodes += 1
        if isinstance(value, str):
            return _utf8(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        kind = self._type(value) or type(value).__name__
        if kind != "table":
            return {"o": kind}
        address, is_stand_in = self._identity(value)
        if is_stand_in:
            return {"o": "stand-in"}
        if len(self._open) > MAX_DEPTH or self._nodes > MAX_NODES:
            return {"o": "too much"}
        if address in self._open:
            return {"o": "cycle"}
        self._open.append(address)
        pairs = list(value.items())
        keys = [key for key, _ in pairs]
        if keys and sorted(key for key in keys if type(key) is int) == list(range(1, len(keys) + 1)):
            by_key = dict(pairs)
            found: dict[str, Any] = {"l": [self(by_key[at]) for at in range(1, len(keys) + 1)]}
        else:
            found = {"d": [[self._key(key), self(one)] for key, one in pairs]}
        self._open.pop()
        return found

    def _key(self, key: Any) -> str:
        return _utf8(key) if isinstance(key, str) else str(key)


def refuse(_object: object, name: object, _is_setting: bool) -> str:
    raise AttributeError(f"{name!r} is not to be had")


def evaluate(request: dict[str, Any], *, with_gui: bool) -> dict[str, Any]:
    from lupa import lua54

    runtime = lua54.LuaRuntime(
        encoding="latin-1",
        unpack_returned_tuples=True,
        register_eval=False,
        register_builtins=False,
        attribute_filter=refuse,
        max_memory=MAX_LUA_BYTES,
    )
    env = {name: _latin(os.environ[name]) for name in ENVIRONMENT if name in os.environ}
    path, home = request["path"], request["home"]

    def table(value: Any) -> Any:
        if isinstance(value, dict):
            return runtime.table_from({_latin(str(key)): table(one) for key, one in value.items()})
        if isinstance(value, list):
            return runtime.table_from([table(one) for one in value])
        return _latin(value) if isinstance(value, str) else value

    def json_parse(text: object) -> Any:
        try:
            return table(json.loads(_utf8(str(text))))
        except (ValueError, RecursionError):
            return None

    host = runtime.table_from(
        {
            "env": runtime.table_from(env),
            "config_file": _latin(path),
            "config_dir": _latin(str(Path(path).parent)),
            "home_dir": _latin(home),
            "hostname": _latin(socket.gethostname()),
            "target_triple": "aarch64-apple-darwin" if sys.platform == "darwin" else "x86_64-unknown-linux-gnu",
            "with_gui": with_gui,
        }
    )
    stub = Path(__file__).with_name("lua_stub.lua").read_bytes().decode("latin-1")
    runtime.execute("local host, f = ... host.json_parse = function(text) return f(text) end", host, json_parse)
    stubs = runtime.execute(stub, host)
    templates = ";".join(f"{root}/?.lua;{root}/?/init.lua" for root in request["roots"])
    reader = Reader([*request["roots"], *request["below"]], request["given"])
    read = runtime.execute("local f = ... return function(name) return f(name) end", reader)
    sandbox = runtime.execute(SANDBOX, host, read, _latin(templates), MAX_INSTRUCTIONS, stubs.note)
    text = _latin(request["text"]).removeprefix("\xef\xbb\xbf")
    try:
        ok, answer = sandbox(text, _latin(path), stubs, request["is_fragment"])
    except (lua54.LuaError, MemoryError) as error:
        ok, answer = False, str(error).partition("\n")[0]
    if not ok:
        return {"trouble": _utf8(str(answer))}
    if lua54.lua_type(answer) != "table":
        kind = f"a {name}" if (name := lua54.lua_type(answer)) else WORDS.get(type(answer), "nothing")
        return {"trouble": f"it returns {kind}, not a table"}
    identity = runtime.execute(
        "local nothing = ... return function(t) return ('%p'):format(t), getmetatable(t) == nothing end", stubs.nothing
    )
    return {
        "config": Tree(lua54.lua_type, identity)(answer),
        "handlers": [_utf8(str(one)) for one in stubs.handlers.values()],
        "noted": [_utf8(str(one)) for one in stubs.noted.values()],
    }


def main() -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    request = json.load(sys.stdin)
    answer = evaluate(request, with_gui=False)
    if "trouble" in answer and re.search(r"\(field 'gui'\)", answer["trouble"]):
        # It takes the window system for granted, which WezTerm's own programs without a window have not either.
        again = evaluate(request, with_gui=True)
        if "trouble" not in again:
            again["noted"].append("`wezterm.gui` is asked without a look whether it is there")
            answer = again
    json.dump(answer, sys.stdout)
    sys.stdout.flush()
    # Not through Lua's own end, which calls finalizers of the configuration.
    os._exit(0)


if __name__ == "__main__":
    main()
