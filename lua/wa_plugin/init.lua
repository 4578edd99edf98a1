-- wa in WezTerm: tells the sidecar what happens here, and draws what it says of tabs.
--
--   require("wa_plugin").apply_to_config(config)
--
-- Nothing happens when this file is loaded: WezTerm evaluates a configuration many times, and throws most of it away.

local M = {}

---@class wa.Settings What `wa` writes into settings.lua.
---@field python string
---@field emit string emit.py
---@field socket string
---@field spool string
---@field spool_dir string where batches wait for the emitter; not below the configuration, which is watched
---@field wa string[] the command `wa`
---@field version string

---@class wa.Options
---@field badges boolean? false: no handler of `format-tab-title` (default: ours is registered)
---@field format_tab_title function? the user's own handler, called with titles free of markers
---@field styles table<wa.Class, wa.Style>? glyphs and colours
---@field window_title boolean? counts in the window's title (default: no)
---@field format_window_title function? the user's own handler, with `window_title`
---@field keys boolean|table? keys (default: none)
---@field palette boolean|function? entries in the command palette (default: none), or the user's own handler
---@field layout wa.Layout? domains, their looks, what a start opens, keys between them (default: none)

---@type {badges: wa.Badges, palette: function|nil, layout: wa.Layout|nil}|nil
local current

---Wires wa into a configuration. Call it last, once.
---@param config table
---@param opts wa.Options|nil
---@return table config
function M.apply_to_config(config, opts)
  local wezterm = require("wezterm")
  opts = opts or {}
  if current then
    M._lay_out(config, opts)
    return config
  end
  local found, settings = pcall(require, "wa_plugin.settings")
  if not found or type(settings) ~= "table" then
    wezterm.log_warn("wa: wa_plugin/settings.lua is missing or broken: " .. tostring(settings))
    return config
  end
  local badges = require("wa_plugin.badges").new(opts)
  local events = require("wa_plugin.events").new(settings, badges)
  local actions = require("wa_plugin.actions")
  current = { badges = badges, palette = type(opts.palette) == "function" and opts.palette or nil }
  events:register()
  actions.register(settings, events)
  if opts.badges ~= false then
    wezterm.on("format-tab-title", M.format_tab_title)
  end
  if opts.window_title then
    wezterm.on("format-window-title", M.format_window_title)
  end
  if opts.palette then
    wezterm.on("augment-command-palette", M.palette)
  end
  if opts.keys then
    actions.add_keys(config, opts.keys)
  end
  M._lay_out(config, opts)
  return config
end

---Of the first call that asks for one: lines that somebody pasted may call us before the block that `wa setup` wrote.
---@param config table
---@param opts wa.Options
function M._lay_out(config, opts)
  if type(opts.layout) == "table" and not current.layout then
    current.layout = opts.layout
    require("wa_plugin.layout").apply(config, opts.layout, current.badges)
  end
end

---For a `format-tab-title` of the user's own: what ours returns, FormatItems, or nil for WezTerm's usual title.
function M.format_tab_title(...)
  if current then
    return current.badges:format_tab_title(...)
  end
end

---For the same: the badge alone as FormatItems, its width in cells, and the title without the marker.
---@param tab table
---@param max_width integer|nil
---@return table[] items
---@return integer cells
---@return string title
function M.badge(tab, max_width)
  if current then
    return current.badges:of_tab(tab, max_width)
  end
  return {}, 0, tab.tab_title
end

---For a `format-window-title` of the user's own.
---@return string|nil
function M.format_window_title(...)
  if current then
    return current.badges:format_window_title(...)
  end
end

---For the same: `✋1 ▶3 ⏳1`, or "".
---@param tabs table[]
---@return string
function M.window_counts(tabs)
  return current and current.badges:window_counts(tabs) or ""
end

---For an `augment-command-palette` of the user's own: our entries.
---@return table[]
function M.palette(window, pane)
  return require("wa_plugin.actions").palette(current and current.palette, window, pane)
end

return M
