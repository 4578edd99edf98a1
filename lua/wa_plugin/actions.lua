-- What a person may ask for in the command palette or by a key, once they have opted in.

local marker = require("wa_plugin.marker")
local wezterm = require("wezterm")

local M = {}

local MODS = "CTRL|SHIFT|ALT"

---@class wa.Action
---@field name string
---@field brief string
---@field icon string
---@field key string?

---Each is an event `wa-NAME` too, for key tables of the user's own.
---@type wa.Action[]
M.ALL = {
  { name = "jump", brief = "wa: jump to the next pane that waits for me", icon = "md_hand_back_left", key = "j" },
  { name = "why", brief = "wa: why is this pane in its state", icon = "md_help_circle_outline", key = "y" },
  { name = "pause", brief = "wa: pause automation in this pane", icon = "md_pause_circle_outline", key = "p" },
  { name = "resume", brief = "wa: resume automation in this pane", icon = "md_play_circle_outline", key = nil },
  { name = "reprime", brief = "wa: send the re-prime prompt to this pane", icon = "md_refresh", key = "i" },
}

---Tabs in the order of a walk that begins behind the active tab of `current` and ends with it.
local function tabs_from(current)
  local before, after = {}, {}
  local windows = wezterm.mux.all_windows()
  local active = current:active_tab()
  local at = 1
  for index, window in ipairs(windows) do
    if window:window_id() == current:window_id() then
      at = index
    end
  end
  local is_behind = false
  for tab_index, tab in ipairs(windows[at] and windows[at]:tabs() or {}) do
    local list = is_behind and after or before
    list[#list + 1] = { window = windows[at], tab = tab, index = tab_index }
    is_behind = is_behind or (active ~= nil and tab:tab_id() == active:tab_id())
  end
  for offset = 1, #windows - 1 do
    local window = windows[(at + offset - 1) % #windows + 1]
    for _, tab in ipairs(window:tabs()) do
      after[#after + 1] = { window = window, tab = tab }
    end
  end
  return table.move(before, 1, #before, #after + 1, after)
end

---Activates the next tab whose marker says that an agent waits.
function M.jump(window)
  local here = window:mux_window()
  for _, place in ipairs(tabs_from(here)) do
    local counts = marker.parse(place.tab:get_title())
    if counts and counts.waiting then
      place.tab:activate()
      if place.window:window_id() ~= here:window_id() then
        local workspace = place.window:get_workspace()
        if workspace ~= here:get_workspace() then
          wezterm.mux.set_active_workspace(workspace)
        end
        -- A window of a workspace that has just been switched to may not be there yet; WezTerm raises it by itself.
        pcall(function()
          place.window:gui_window():focus()
        end)
      end
      return
    end
  end
  window:toast_notification("wa", "No agent waits for you.", nil, 2000)
end

-- What the overlay draws before each line: its number.
local OVERLAY_CELLS = 6

---The lines of a text, none wider than the pane; what goes on is indented. The overlay would cut them off.
local function lines_of(text, pane)
  local ok, size = pcall(pane.get_dimensions, pane)
  local room = math.max(20, (ok and size.cols or 80) - OVERLAY_CELLS)
  local found = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    line = line:gsub("%c", " ")
    if not utf8.len(line) then
      line = line:gsub("[\128-\255]", "?")
    end
    local indent = (line:match("^%s*") .. "  "):sub(1, room // 2)
    while wezterm.column_width(line) > room do
      local head = wezterm.truncate_right(line, room)
      -- At the last blank, where there is one behind the indentation.
      local blank = head:match("^%s*%S.*()%s")
      if blank then
        head = head:sub(1, blank - 1)
      end
      found[#found + 1] = head
      line = indent .. line:sub(#head + 1):gsub("^%s+", "")
    end
    if line:find("%S") then
      found[#found + 1] = line
    end
  end
  return found
end

---Shows in an overlay what `wa explain` prints. Yields.
---@param settings wa.Settings
function M.why(settings, window, pane)
  local command = table.move(settings.wa, 1, #settings.wa, 1, {})
  command[#command + 1] = "explain"
  command[#command + 1] = string.format("gui-%d/%d", wezterm.procinfo.pid(), pane:pane_id())
  local ran, ok, out, err = pcall(wezterm.run_child_process, command)
  local text = not ran and "wa could not be started: " .. tostring(ok) or (ok and out or out .. err)
  local choices = {}
  for _, line in ipairs(lines_of(text, pane)) do
    choices[#choices + 1] = { label = line }
  end
  if #choices == 0 then
    choices[1] = { label = "wa explain said nothing." }
  end
  window:perform_action(
    wezterm.action.InputSelector({
      title = "wa explain",
      description = "Esc closes, / searches",
      choices = choices,
      -- Nobody listens to it: a line that is chosen closes the overlay.
      action = wezterm.action.EmitEvent("wa-read"),
    }),
    pane
  )
end

---Registers the events `wa-jump` and so on.
---@param settings wa.Settings
---@param events wa.Events
function M.register(settings, events)
  wezterm.on("wa-jump", function(window)
    M.jump(window)
  end)
  wezterm.on("wa-why", function(window, pane)
    M.why(settings, window, pane)
  end)
  for _, what in ipairs({ "pause", "resume", "reprime" }) do
    wezterm.on("wa-" .. what, function(window, pane)
      events:act(window, pane, what)
    end)
  end
end

---Entries for `augment-command-palette`, with those of the user's own handler behind them.
---@param theirs fun(window: table, pane: table): table[]|nil
---@return table[]
function M.palette(theirs, window, pane)
  local entries = {}
  for _, action in ipairs(M.ALL) do
    entries[#entries + 1] =
      { brief = action.brief, icon = action.icon, action = wezterm.action.EmitEvent("wa-" .. action.name) }
  end
  if type(theirs) == "function" then
    local ok, more = pcall(theirs, window, pane)
    if ok and type(more) == "table" then
      table.move(more, 1, #more, #entries + 1, entries)
    elseif not ok then
      wezterm.log_warn("wa: the palette's own handler failed: " .. tostring(more))
    end
  end
  return entries
end

---A key and its modifiers in one spelling.
---@param key string
---@param mods string?
---@return string
function M.spelling(key, mods)
  key = key:gsub("^mapped:", ""):gsub("^phys:", "")
  local set = {}
  for mod in (mods or "NONE"):upper():gmatch("[%a_]+") do
    mod = ({ CONTROL = "CTRL", OPT = "ALT", META = "ALT", CMD = "SUPER", WIN = "SUPER" })[mod] or mod
    if mod ~= "NONE" then
      set[mod] = true
    end
  end
  if #key == 1 and key:match("%u") then
    key, set.SHIFT = key:lower(), true
  end
  local names = {}
  for mod in pairs(set) do
    names[#names + 1] = mod
  end
  table.sort(names)
  return table.concat(names, "|") .. " " .. key:lower()
end

---Adds our keys to the configuration. One that the user has already stays theirs, and is named in the log.
---@param config table
---@param wanted table<string, {key: string, mods: string?}|false>|true
function M.add_keys(config, wanted)
  local keys = config.keys or {}
  local taken = {}
  for _, one in ipairs(keys) do
    if type(one.key) == "string" then
      taken[M.spelling(one.key, one.mods)] = true
    end
  end
  for _, action in ipairs(M.ALL) do
    local asked = type(wanted) == "table" and wanted[action.name]
    if asked == nil and action.key then
      asked = { key = action.key, mods = MODS }
    end
    if wanted == true and action.key then
      asked = { key = action.key, mods = MODS }
    end
    if asked then
      local as = M.spelling(asked.key, asked.mods)
      if taken[as] then
        wezterm.log_warn("wa: " .. as .. " is in use; `wa-" .. action.name .. "` has no key")
      else
        taken[as] = true
        keys[#keys + 1] =
          { key = asked.key, mods = asked.mods or "NONE", action = wezterm.action.EmitEvent("wa-" .. action.name) }
      end
    end
  end
  config.keys = keys
end

return M
