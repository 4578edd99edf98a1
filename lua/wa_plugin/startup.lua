-- What a start of WezTerm opens: one window of this machine, and one for each domain, with what is there already.

local wezterm = require("wezterm")

local M = {}

---@class wa.Startup
---@field tabs integer? of a window that is made (default: 1)
---@field domains string[]? each gets a window

local MAX_TABS = 50
-- A tab that is made while WezTerm still takes over the one before from the server may show twice (2025-02-23).
local SETTLED_AFTER_MS = 240

---A window with tabs of one domain. Yields.
---@param place "DefaultDomain"|table
---@param tabs integer
local function open(place, tabs)
  local first, _, window = wezterm.mux.spawn_window({ domain = place })
  for _ = 2, math.min(tabs, MAX_TABS) do
    if place ~= "DefaultDomain" then
      wezterm.sleep_ms(SETTLED_AFTER_MS)
    end
    window:spawn_tab({ domain = place })
  end
  if tabs > 1 then
    first:activate()
  end
end

---Attaches a domain: WezTerm opens windows for what runs there. Only where nothing does, tabs are made. Yields.
---@param name string
---@param tabs integer
function M.attach(name, tabs)
  local domain = wezterm.mux.get_domain(name)
  if not domain then
    error("there is no such domain", 0)
  end
  if domain:state() ~= "Attached" then
    domain:attach()
  end
  if not domain:has_any_panes() then
    open({ DomainName = name }, tabs)
  end
end

---@param wanted wa.Startup
---@param command table|nil what WezTerm was asked to run
function M.start(wanted, command)
  if command then
    -- `wezterm start -- PROGRAM`: that, and nothing else.
    return
  end
  local tabs = wanted.tabs or 1
  local ok, why = pcall(open, "DefaultDomain", tabs)
  if not ok then
    wezterm.log_warn("wa: no window for this machine: " .. tostring(why))
  end
  for _, name in ipairs(wanted.domains or {}) do
    -- Each as a task of its own: a host that does not answer keeps neither WezTerm nor the others waiting.
    wezterm.time.call_after(0, function()
      local done, trouble = pcall(M.attach, name, tabs)
      if not done then
        wezterm.log_warn("wa: the domain " .. name .. " is not attached: " .. tostring(trouble):match("[^\n]*"))
      end
    end)
  end
end

---@param wanted wa.Startup
function M.register(wanted)
  wezterm.on("gui-startup", function(command)
    M.start(wanted, command)
  end)
end

return M
