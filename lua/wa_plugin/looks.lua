-- A colour scheme for a window while its active pane is of a certain domain.
--
-- Never by `update-status`, which runs several times a second. Asked at four events instead, each of which is rare:
-- focus, a new configuration, a key of ours to another tab, a variable of a pane (a prompt of a shell with wa's
-- script). A change of the scheme has WezTerm evaluate the configuration once more: it is made only where the domain
-- is another one than before.

local wezterm = require("wezterm")

local M = {}

---The event of our keys.
M.LOOK = "wa-look"

---@class wa.Look
---@field scheme string? the name of a colour scheme
---@field color string? of the badge: an AnsiColor or "#rrggbb"
---@field text string? of the badge (default: the domain's name); "" draws none

---The name of the domain of a window's active pane; nil where nobody can say.
local function domain_of(window, pane)
  local ok, active = pcall(window.active_pane, window)
  if ok and active then
    pane = active
  end
  if not pane then
    return nil
  end
  local found, name = pcall(pane.get_domain_name, pane)
  return found and name or nil
end

---Gives the window the scheme of its active pane's domain. Yields. A scheme that somebody else set stays.
---@param wanted table<string, wa.Look>
---@param domain string
---@return boolean
function M.paint(wanted, window, domain)
  local scheme = wanted[domain] and wanted[domain].scheme or nil
  local ok, overrides = pcall(window.get_config_overrides, window)
  if not ok then
    return false
  end
  overrides = overrides or {}
  local now = overrides.color_scheme
  if now == scheme then
    return true
  end
  if now ~= nil then
    local is_ours = false
    for _, look in pairs(wanted) do
      is_ours = is_ours or look.scheme == now
    end
    if not is_ours then
      return true
    end
  end
  overrides.color_scheme = scheme
  window:set_config_overrides(overrides)
  return true
end

---@param wanted table<string, wa.Look>
function M.register(wanted)
  -- Of each window, the domain that it was painted for: prompts of the same one ask no more than that.
  local shown = {}
  local function look(window, pane, is_prompt)
    local domain = domain_of(window, pane)
    if not domain then
      return
    end
    local id = window:window_id()
    if is_prompt and shown[id] == domain then
      return
    end
    shown[id] = nil
    if M.paint(wanted, window, domain) then
      shown[id] = domain
    end
  end
  local function handler(is_prompt)
    return function(window, pane)
      local ok, why = pcall(look, window, pane, is_prompt)
      if not ok then
        wezterm.log_info("wa: a window kept its colours: " .. tostring(why))
      end
    end
  end
  wezterm.on("window-focus-changed", handler(false))
  wezterm.on("window-config-reloaded", handler(false))
  wezterm.on("user-var-changed", handler(true))
  wezterm.on(M.LOOK, handler(false))
end

return M
