-- Which panes and domains there are, and what changed since the last look. WezTerm tells no such events.
--
-- A look goes on for at most a third of a millisecond at a time; one at very many panes goes on at the next event.

local wezterm = require("wezterm")

local M = {}

local BUDGET_S = 0.00033
local LOOK_AFTER_MS = 200
local MAX_TOLD = 100
local SEPARATOR = "\30"

---@class wa.Topology
local Topology = {}
Topology.__index = Topology

---@return wa.Topology
function M.new()
  return setmetatable({ domains = {}, panes = nil, look = nil, looked_ms = 0 }, Topology)
end

---The name of a pane's domain; "" when the pane is gone.
---@param pane table
---@return string
function Topology:domain_of(pane)
  local id = pane:pane_id()
  local name = self.domains[id]
  if not name then
    local ok, found = pcall(pane.get_domain_name, pane)
    if not ok or not found then
      return ""
    end
    name = found
    self.domains[id] = name
  end
  return name
end

---Whether this pane was there at the last look.
function Topology:knows(pane_id)
  return self.panes ~= nil and self.panes[pane_id] ~= nil
end

-- The last look outlives a reload of the configuration, which begins a new Lua state.
local function recall()
  local panes, attached = {}, {}
  for id, tab, window, domain in (wezterm.GLOBAL.wa_panes or ""):gmatch("(%d+) (%d+) (%d+) ([^\30]*)\30") do
    panes[tonumber(id)] =
      { pane_id = tonumber(id), tab_id = tonumber(tab), window_id = tonumber(window), domain = domain }
  end
  for name in (wezterm.GLOBAL.wa_domains or ""):gmatch("([^\30]*)\30") do
    attached[name] = true
  end
  return panes, attached
end

local function remember(panes, attached)
  local lines = {}
  for id, at in pairs(panes) do
    lines[#lines + 1] = string.format("%d %d %d %s", id, at.tab_id, at.window_id, at.domain)
    lines[#lines + 1] = SEPARATOR
  end
  wezterm.GLOBAL.wa_panes = table.concat(lines)
  lines = {}
  for name in pairs(attached) do
    lines[#lines + 1] = name
    lines[#lines + 1] = SEPARATOR
  end
  wezterm.GLOBAL.wa_domains = table.concat(lines)
end

---Everything there is, as a coroutine's body: `rest` may yield. Raises when something closes meanwhile.
local function survey(self, rest)
  local panes, attached = {}, {}
  for _, window in ipairs(wezterm.mux.all_windows()) do
    local window_id = window:window_id()
    for _, tab in ipairs(window:tabs()) do
      local tab_id = tab:tab_id()
      for _, pane in ipairs(tab:panes()) do
        local id = pane:pane_id()
        panes[id] = {
          pane_id = id,
          tab_id = tab_id,
          window_id = window_id,
          domain = self:domain_of(pane):gsub(SEPARATOR, " "),
        }
        rest()
      end
    end
  end
  for _, domain in ipairs(wezterm.mux.all_domains()) do
    if domain:state() == "Attached" then
      attached[(domain:name():gsub(SEPARATOR, " "))] = true
    end
    rest()
  end
  return panes, attached
end

local function is_there(pane_id)
  local ok, pane = pcall(wezterm.mux.get_pane, pane_id)
  return ok and pane ~= nil
end

---What `panes` and `attached` say that the last look did not.
function Topology:_compare(panes, attached)
  local opened, closed, moved, won, lost = {}, {}, {}, {}, {}
  for id, now in pairs(panes) do
    local was = self.panes[id]
    if not was then
      opened[#opened + 1] = now
    elseif was.tab_id ~= now.tab_id or was.window_id ~= now.window_id then
      moved[#moved + 1] = now
    end
  end
  for id, was in pairs(self.panes) do
    if not panes[id] then
      if is_there(id) then
        -- It moved while we looked.
        panes[id] = was
      else
        closed[#closed + 1] = was
        self.domains[id] = nil
      end
    end
  end
  for name in pairs(attached) do
    if not self.attached[name] then
      won[#won + 1] = name
    end
  end
  for name in pairs(self.attached) do
    if not attached[name] then
      lost[#lost + 1] = name
    end
  end
  return { opened = opened, closed = closed, moved = moved, attached = won, lost = lost }
end

local function by_pane(one, other)
  return one.pane_id < other.pane_id
end

---Changes in events of a hundred places each; lists that are empty are left out.
local function events(changes)
  local found = {}
  for _, kind in ipairs({ "attached", "opened", "moved", "closed", "lost" }) do
    local list = changes[kind]
    table.sort(list, (kind ~= "attached" and kind ~= "lost") and by_pane or nil)
    for first = 1, #list, MAX_TOLD do
      local last = found[#found]
      if not last or last[kind] or #list > MAX_TOLD then
        last = { name = "topology" }
        found[#found + 1] = last
      end
      last[kind] = table.move(list, first, math.min(first + MAX_TOLD - 1, #list), 1, {})
    end
  end
  return found
end

---Looks, for a moment, and returns the events that tell what changed; none while the look is not at its end.
---@param now_ms integer
---@param at_once boolean
---@return wa.Event[]
function Topology:changes(now_ms, at_once)
  if not self.look then
    if not at_once and math.abs(now_ms - self.looked_ms) < LOOK_AFTER_MS then
      return {}
    end
    self.look = coroutine.wrap(function()
      local steps, stop = 0, os.clock() + BUDGET_S
      return survey(self, function()
        steps = steps + 1
        if steps % 8 == 0 and os.clock() > stop then
          coroutine.yield(nil)
          stop = os.clock() + BUDGET_S
        end
      end)
    end)
  end
  local ok, panes, attached = pcall(self.look)
  if ok and not panes then
    return {}
  end
  self.look, self.looked_ms = nil, now_ms
  if not ok then
    return {}
  end
  if not self.panes then
    self.panes, self.attached = recall()
  end
  local changes = self:_compare(panes, attached)
  local found = events(changes)
  if #found > 0 then
    remember(panes, attached)
  end
  self.panes, self.attached = panes, attached
  return found
end

return M
