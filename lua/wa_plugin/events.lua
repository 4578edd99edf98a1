-- The handlers of WezTerm's events: each puts what happened into the outbox and returns.
--
-- WezTerm runs the handlers of one event one after the other, and keeps at most one more of a window's events waiting
-- meanwhile. So nobody here waits for the emitter: an event of our own does.

local outbox = require("wa_plugin.outbox")
local topology = require("wa_plugin.topology")
local wezterm = require("wezterm")

local M = {}

---The event in whose handler the outbox is emptied.
M.DELIVER = "wa-deliver"

local HELLO_EVERY_MS = 60000
-- How long after the first event of a Lua state it is known whether WezTerm asks us for the titles of tabs.
local SETTLED_AFTER_MS = 500
local MAX_NAME_BYTES = 64
-- What is longer the sidecar drops and counts (docs/protocol/pane-vars.md); so much of it must arrive.
local MAX_VALUE_BYTES = 8192

---@class wa.Events
local Events = {}
Events.__index = Events

---@param settings wa.Settings
---@param badges wa.Badges
---@return wa.Events
function M.new(settings, badges)
  return setmetatable({
    settings = settings,
    badges = badges,
    outbox = outbox.new(settings),
    topology = topology.new(),
    pid = wezterm.procinfo.pid(),
    first_ms = nil,
  }, Events)
end

---The first bytes of a value, cut between characters, and never to a length that would be allowed.
local function cut(value)
  if #value <= MAX_VALUE_BYTES then
    return value
  end
  local stop = MAX_VALUE_BYTES + 4
  while stop > MAX_VALUE_BYTES + 1 and (value:byte(stop + 1) or 0) & 0xC0 == 0x80 do
    stop = stop - 1
  end
  return value:sub(1, stop)
end

---@param name string
---@param pane table|nil
---@param fields table|nil
function Events:_put(name, pane, fields)
  local event = fields or {}
  event.name, event.gui = name, self.pid
  if pane then
    event.pane_id = pane:pane_id()
    event.domain = self.topology:domain_of(pane)
  end
  self.outbox:put(event)
end

---Announces the plugin: at most once a minute, unless it has begun or ceased to draw badges.
---While that is not known nothing is said: markers in titles that nobody draws would be seen as text.
function Events:_hello()
  local draws = self.badges.is_drawing
  local now = outbox.now_ms()
  local is_settled = wezterm.gui == nil or (self.first_ms and now - self.first_ms >= SETTLED_AFTER_MS)
  if not (draws or is_settled) then
    return
  end
  local last_ms, last_draws = (wezterm.GLOBAL.wa_hello or ""):match("^(%d+) (%a+)$")
  if last_ms and last_draws == tostring(draws) and math.abs(now - tonumber(last_ms)) < HELLO_EVERY_MS then
    return
  end
  wezterm.GLOBAL.wa_hello = string.format("%d %s", now, draws)
  self:_put("hello", nil, {
    host = wezterm.hostname(),
    plugin = self.settings.version,
    wezterm = wezterm.version,
    server = wezterm.gui == nil,
    badges = draws,
  })
end

function Events:_look(pane)
  local at_once = pane ~= nil and not self.topology:knows(pane:pane_id())
  for _, event in ipairs(self.topology:changes(outbox.now_ms(), at_once)) do
    self:_put("topology", nil, event)
  end
end

---Runs once in each Lua state that gets events: one closure is kept for it until the next reload.
function Events:_settle()
  if self.first_ms then
    return
  end
  self.first_ms = outbox.now_ms()
  -- WezTerm drops the timer when the configuration is read again meanwhile; then a later event says it.
  pcall(wezterm.time.call_after, SETTLED_AFTER_MS / 1000, function()
    self:_hello()
    self.outbox:flush()
  end)
end

---Has the outbox emptied by a task of its own.
function Events:_deliver(window, pane)
  if not self.outbox:is_due() then
    return
  end
  if window and pane and pcall(window.perform_action, window, wezterm.action.EmitEvent(M.DELIVER), pane) then
    return
  end
  self.outbox:flush()
end

---What every handler ends with.
function Events:_after(window, pane)
  self:_settle()
  self:_hello()
  self:_deliver(window, pane)
end

---Something that a person chose in the palette or by a key.
function Events:act(window, pane, what)
  self:_put("act", pane, { what = what })
  self:_deliver(window, pane)
end

function Events:on_user_var_changed(window, pane, name, value)
  if name:sub(1, 3) ~= "WA_" or #name > MAX_NAME_BYTES then
    return
  end
  self:_look(pane)
  self:_put("var", pane, { var = name, value = cut(value) })
  self:_after(window, pane)
end

function Events:on_bell(window, pane)
  self:_look(pane)
  self:_put("bell", pane)
  self:_after(window, pane)
end

function Events:on_focus(window, pane)
  self:_look(pane)
  -- A window that is just closing has no answer.
  local ok, is_focused = pcall(window.is_focused, window)
  if ok then
    self.outbox:put({
      name = "focus",
      gui = self.pid,
      window_id = window:window_id(),
      pane_id = pane and pane:pane_id(),
      focused = is_focused,
    })
  end
  self:_after(window, pane)
end

function Events:on_reloaded(window, pane)
  self:_look(pane)
  self:_after(window, pane)
end

---WezTerm's own start waits for these: the emitter is not waited for.
function Events:on_start()
  self:_look(nil)
  self:_hello()
  self.outbox:flush_in_background()
end

---Registers every handler.
function Events:register()
  local function on(name, handler)
    wezterm.on(name, function(...)
      handler(self, ...)
    end)
  end
  on("user-var-changed", self.on_user_var_changed)
  on("bell", self.on_bell)
  on("window-focus-changed", self.on_focus)
  on("window-config-reloaded", self.on_reloaded)
  on("gui-startup", self.on_start)
  on("gui-attached", self.on_start)
  on("mux-startup", self.on_start)
  wezterm.on(M.DELIVER, function()
    self.outbox:flush()
  end)
end

return M
