---@meta wezterm
-- A stand-in for WezTerm's Lua API: what the plugin uses of it, typed for a language server, recording for tests.
-- Semantics as in wezterm 20240203 and main of 2025-02: handlers run one after the other, sync events ask only the
-- first, run_child_process yields (and fails where nobody can wait), what GLOBAL holds outlives a Lua state.
--
-- Editors: name the folder of this file in `workspace.library` and it completes `require("wezterm")`.

---@class MuxPane
---@field pane_id fun(self: MuxPane): integer
---@field get_domain_name fun(self: MuxPane): string
---@field get_title fun(self: MuxPane): string
---@field get_user_vars fun(self: MuxPane): table<string, string>

---@class MuxTab
---@field tab_id fun(self: MuxTab): integer
---@field panes fun(self: MuxTab): MuxPane[]
---@field get_title fun(self: MuxTab): string
---@field set_title fun(self: MuxTab, title: string)
---@field activate fun(self: MuxTab)

---@class MuxWindow
---@field window_id fun(self: MuxWindow): integer
---@field tabs fun(self: MuxWindow): MuxTab[]
---@field active_tab fun(self: MuxWindow): MuxTab
---@field get_workspace fun(self: MuxWindow): string
---@field gui_window fun(self: MuxWindow): Window

---@class MuxDomain
---@field attach fun(self: MuxDomain)
---@field has_any_panes fun(self: MuxDomain): boolean
---@field name fun(self: MuxDomain): string
---@field state fun(self: MuxDomain): "Attached"|"Detached"

---@class Window
---@field window_id fun(self: Window): integer
---@field mux_window fun(self: Window): MuxWindow
---@field is_focused fun(self: Window): boolean
---@field perform_action fun(self: Window, action: table, pane: MuxPane)
---@field toast_notification fun(self: Window, title: string, message: string, url: string?, timeout_ms: integer?)
---@field focus fun(self: Window)
---@field active_pane fun(self: Window): MuxPane
---@field get_config_overrides fun(self: Window): table|nil
---@field set_config_overrides fun(self: Window, overrides: table)

---@class FakeControl
local fake = {
  handlers = {},
  processes = {},
  timers = {},
  naps = {},
  logs = {},
  toasts = {},
  overlays = {},
  focused = {},
  windows = {},
  domains = {},
  workspaces = {},
  now_ms = 1700000000000,
  ---nil: a test ends each process itself with `finish`; else what runs it at once: told, out, err
  run = nil,
  actions = 0,
  can_perform = true,
}

---@class Wezterm
---@field GLOBAL table values of strings, numbers, booleans; outlives the Lua state
---@field version string
---@field gui table|nil nil inside wezterm-mux-server
---@field fake FakeControl
local wezterm = { version = "20250223-062404-fake", GLOBAL = {}, fake = fake, gui = {} }

---@param name string
---@param handler function
function wezterm.on(name, handler)
  fake.handlers[name] = fake.handlers[name] or {}
  table.insert(fake.handlers[name], handler)
end

local function is_waiting_possible()
  return coroutine.isyieldable()
end

---@param args string[]
---@return boolean success
---@return string stdout
---@return string stderr
function wezterm.run_child_process(args)
  if not is_waiting_possible() then
    error("attempt to yield from outside a coroutine")
  end
  for _, arg in ipairs(args) do
    assert(type(arg) == "string", "arguments are strings")
  end
  local process = { args = args }
  table.insert(fake.processes, process)
  if fake.run then
    return fake.run(args)
  end
  local answer = table.pack(coroutine.yield(process))
  return table.unpack(answer, 1, answer.n)
end

---@param args string[]
function wezterm.background_child_process(args)
  table.insert(fake.processes, { args = args, background = true })
  if fake.run then
    fake.run(args)
  end
end

---Yields; here short times pass at once, and long ones when a test calls `fake.pass`.
---@param milliseconds integer
function wezterm.sleep_ms(milliseconds)
  assert(is_waiting_possible(), "attempt to yield from outside a coroutine")
  assert(math.type(milliseconds) == "integer" and milliseconds >= 0)
  if milliseconds < 250 then
    fake.now_ms = fake.now_ms + milliseconds
  else
    local nap = { until_ms = fake.now_ms + milliseconds }
    table.insert(fake.naps, nap)
    coroutine.yield(nap)
  end
end

function wezterm.log_warn(...)
  table.insert(fake.logs, table.concat({ ... }, " "))
end
wezterm.log_info, wezterm.log_error = wezterm.log_warn, wezterm.log_warn

---@return string
function wezterm.hostname()
  return "fakehost"
end

wezterm.procinfo = {
  ---@return integer
  pid = function()
    return 4242
  end,
}

wezterm.time = {
  now = function()
    return {
      ---chrono's strftime; "%s%3f" is all that is asked of it
      format_utc = function(_, format)
        assert(format == "%s%3f")
        return tostring(fake.now_ms)
      end,
    }
  end,
  ---@param seconds number
  ---@param func function
  call_after = function(seconds, func)
    table.insert(fake.timers, { seconds = seconds, func = func })
  end,
}

local function encode(value)
  if type(value) == "table" then
    local parts = {}
    if value[1] ~= nil then
      for _, one in ipairs(value) do
        parts[#parts + 1] = encode(one)
      end
      return "[" .. table.concat(parts, ",") .. "]"
    end
    for key, one in pairs(value) do
      assert(type(key) == "string", "keys are text")
      parts[#parts + 1] = encode(key) .. ":" .. encode(one)
    end
    return "{" .. table.concat(parts, ",") .. "}"
  elseif type(value) == "string" then
    assert(utf8.len(value), "invalid utf-8")
    return '"'
      .. value:gsub('[%c"\\\127]', function(char)
        return string.format("\\u%04x", char:byte())
      end)
      .. '"'
  elseif math.type(value) == "integer" then
    return string.format("%d", value)
  end
  return value == nil and "null" or tostring(value)
end

---A table with a first element is an array, every other one an object, the empty one too.
---@param value any
---@return string
function wezterm.json_encode(value)
  return encode(value)
end

---Cells of a text, nearly: emoji from U+2600 that are wide by Unicode, and everything from U+1F300, take two.
---@param text string
---@return integer
function wezterm.column_width(text)
  local cells = 0
  for _, code in utf8.codes(text) do
    local wide = code == 0x270B
      or code == 0x23F3
      or code >= 0x1F300 and code <= 0x1FAFF
      or code >= 0x3000 and code <= 0xD7FF
    cells = cells + (wide and 2 or code == 0x2063 and 0 or 1)
  end
  return cells
end

---@param text string
---@param max_width integer
---@return string
function wezterm.truncate_right(text, max_width)
  local found, cells = {}, 0
  for _, code in utf8.codes(text) do
    local char = utf8.char(code)
    cells = cells + wezterm.column_width(char)
    if cells > max_width then
      break
    end
    found[#found + 1] = char
  end
  return table.concat(found)
end

---`wezterm.action.NAME` and `wezterm.action.NAME(argument)`: tables of one field.
wezterm.action = setmetatable({}, {
  __index = function(_, name)
    return function(argument)
      return { [name] = argument }
    end
  end,
})

---What WezTerm makes of ~/.ssh/config.
---@return table[]
function wezterm.default_ssh_domains()
  return { { name = "SSH:usual", remote_address = "usual" } }
end

function wezterm.config_builder()
  return {}
end

-- What tests build ------------------------------------------------------------------------------------------------

local Pane, Tab, MuxWindow, Window = {}, {}, {}, {}
Pane.__index, Tab.__index, MuxWindow.__index, Window.__index = Pane, Tab, MuxWindow, Window

local function alive(thing, what)
  if thing.gone then
    error(what .. " is not found in mux")
  end
end

function Pane:pane_id()
  return self.id
end

function Pane:get_domain_name()
  alive(self, "pane")
  fake.domain_questions = (fake.domain_questions or 0) + 1
  return self.domain
end

function Tab:tab_id()
  return self.id
end

function Tab:panes()
  alive(self, "tab")
  return { table.unpack(self.list) }
end

function Tab:get_title()
  return self.title
end

function Tab:activate()
  fake.activated = self.id
  self.window.active = self
end

function MuxWindow:window_id()
  return self.id
end

function MuxWindow:tabs()
  alive(self, "window")
  return { table.unpack(self.list) }
end

function MuxWindow:spawn_tab(spawn)
  local place = spawn.domain == "DefaultDomain" and "local" or spawn.domain.DomainName
  fake.made = (fake.made or 100) + 1
  local tab = fake.add_tab(self, fake.made)
  self.active = tab
  return tab, fake.add_pane(tab, fake.made, place), self
end

function MuxWindow:active_tab()
  return self.active or self.list[1]
end

function MuxWindow:get_workspace()
  return self.workspace
end

function MuxWindow:gui_window()
  return fake.gui_window(self)
end

function Window:window_id()
  return self.mux.id
end

function Window:mux_window()
  return self.mux
end

function Window:active_pane()
  local tab = self.mux:active_tab()
  return tab and (tab.active_pane or tab.list[1])
end

function Window:get_config_overrides()
  return self.mux.overrides
end

---WezTerm evaluates the configuration again, and says so to the window.
function Window:set_config_overrides(overrides)
  self.mux.overrides = overrides
  self.mux.changes = (self.mux.changes or 0) + 1
  fake.emit_window_event(self, "window-config-reloaded", self:active_pane())
end

function Window:is_focused()
  return self.focused
end

function Window:focus()
  table.insert(fake.focused, self.mux.id)
end

function Window:toast_notification(title, message)
  table.insert(fake.toasts, title .. ": " .. message)
end

function Window:perform_action(action, pane)
  fake.actions = fake.actions + 1
  if not fake.can_perform then
    error("the window is gone")
  end
  if action.EmitEvent then
    fake.emit_window_event(self, action.EmitEvent, pane)
  else
    table.insert(fake.overlays, action)
  end
end

wezterm.mux = {
  all_windows = function()
    fake.surveys = (fake.surveys or 0) + 1
    return { table.unpack(fake.windows) }
  end,
  all_domains = function()
    return fake.domains
  end,
  get_pane = function(id)
    for _, window in ipairs(fake.windows) do
      for _, tab in ipairs(window.list) do
        for _, pane in ipairs(tab.list) do
          if pane.id == id then
            return pane
          end
        end
      end
    end
    error("pane id " .. id .. " not found in mux")
  end,
  ---nil where there is none of that name
  get_domain = function(name)
    for _, domain in ipairs(fake.domains) do
      if domain.name() == name then
        return domain
      end
    end
  end,
  ---@param spawn {domain: string|table}
  spawn_window = function(spawn)
    local place = spawn.domain == "DefaultDomain" and "local" or spawn.domain.DomainName
    local window = fake.add_window(#fake.windows + 1)
    local tab, pane = window:spawn_tab({ domain = spawn.domain })
    pane.domain = place
    return tab, pane, window
  end,
  set_active_workspace = function(name)
    table.insert(fake.workspaces, name)
  end,
}

function fake.add_window(id, workspace)
  local window = setmetatable({ id = id, list = {}, workspace = workspace or "default" }, MuxWindow)
  table.insert(fake.windows, window)
  return window
end

function fake.add_tab(window, id, title)
  local tab = setmetatable({ id = id, list = {}, title = title or "", window = window }, Tab)
  table.insert(window.list, tab)
  return tab
end

function fake.add_pane(tab, id, domain)
  local pane = setmetatable({ id = id, domain = domain or "local" }, Pane)
  table.insert(tab.list, pane)
  return pane
end

function fake.close_pane(tab, pane)
  for at, one in ipairs(tab.list) do
    if one == pane then
      table.remove(tab.list, at)
    end
  end
  pane.gone = true
end

function fake.add_domain(name, state)
  local domain = { state_now = state or "Attached" }
  function domain.name()
    return name
  end
  function domain.state(self)
    return self.state_now
  end
  ---`trouble`: as a host that refuses; `holds`: what runs there, which WezTerm shows in a window
  function domain.attach(self)
    if self.trouble then
      error("failed to attach domain " .. name .. ": " .. self.trouble)
    end
    self.state_now = "Attached"
    for _ = 1, self.holds or 0 do
      wezterm.mux.spawn_window({ domain = { DomainName = name } })
    end
  end
  function domain.has_any_panes()
    for _, window in ipairs(fake.windows) do
      for _, tab in ipairs(window.list) do
        for _, pane in ipairs(tab.list) do
          if pane.domain == name then
            return true
          end
        end
      end
    end
    return false
  end
  table.insert(fake.domains, domain)
  return domain
end

function fake.gui_window(mux)
  return setmetatable({ mux = mux, focused = true }, Window)
end

-- How WezTerm calls handlers --------------------------------------------------------------------------------------

local function resume(thread, ...)
  local ok, process = coroutine.resume(thread, ...)
  if not ok then
    error(debug.traceback(thread, tostring(process)), 0)
  end
  if coroutine.status(thread) ~= "dead" then
    process.thread = thread
  end
end

---Emits an event as a task of its own; each handler waits for the one before it.
function fake.fire(name, ...)
  local args = table.pack(...)
  local thread = coroutine.create(function()
    for _, handler in ipairs(fake.handlers[name] or {}) do
      if handler(table.unpack(args, 1, args.n)) == false then
        return
      end
    end
  end)
  resume(thread)
  return coroutine.status(thread) == "dead"
end

---One of a window's events: one runs, one more waits, others are dropped (with a warning of WezTerm's).
fake.window_events = {}
function fake.emit_window_event(window, name, pane)
  local state = fake.window_events[name]
  if state then
    state.again = true
    return
  end
  state = {}
  fake.window_events[name] = state
  local thread = coroutine.create(function()
    repeat
      state.again = false
      for _, handler in ipairs(fake.handlers[name] or {}) do
        handler(window, pane)
      end
    until not state.again
    fake.window_events[name] = nil
  end)
  resume(thread)
end

---The answer of the first handler of a sync event, where nobody can wait.
function fake.ask(name, ...)
  local first = (fake.handlers[name] or {})[1]
  if first then
    return first(...)
  end
end

---Ends the oldest process that runs: with its success and what it printed.
function fake.finish(...)
  for _, process in ipairs(fake.processes) do
    if process.thread then
      local thread = process.thread
      process.thread = nil
      resume(thread, ...)
      return true
    end
  end
  return false
end

---Lets time pass, and wakes who slept till then.
---@param milliseconds integer
function fake.pass(milliseconds)
  fake.now_ms = fake.now_ms + milliseconds
  local naps = fake.naps
  fake.naps = {}
  for _, nap in ipairs(naps) do
    if nap.until_ms <= fake.now_ms then
      resume(nap.thread)
    else
      table.insert(fake.naps, nap)
    end
  end
end

---Ends every timer that was set, as WezTerm does: each as a task of its own.
function fake.ring()
  local timers = fake.timers
  fake.timers = {}
  for _, timer in ipairs(timers) do
    fake.now_ms = fake.now_ms + math.ceil(timer.seconds * 1000)
    resume(coroutine.create(timer.func))
  end
end

return wezterm
