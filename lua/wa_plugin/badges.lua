-- Draws the markers of tabs' titles: in the tab bar, and as counts in the window's title.
--
-- WezTerm runs only the first handler of `format-tab-title` and `format-window-title`, and asks on every repaint of
-- the bar: nothing here may yield, and all of it is a few string operations.

local marker = require("wa_plugin.marker")
local wezterm = require("wezterm")

local M = {}

---How each class is drawn: a glyph ("" draws nothing) and a colour (an AnsiColor or "#rrggbb"), most urgent first.
---@class wa.Style
---@field glyph string
---@field color string?

---@type table<wa.Class, wa.Style>
M.STYLES = {
  waiting = { glyph = "✋", color = "Yellow" },
  error = { glyph = "✗", color = "Red" },
  limited = { glyph = "⏳", color = "Fuchsia" },
  working = { glyph = "▶", color = "Lime" },
  idle = { glyph = "○", color = "Grey" },
  paused = { glyph = "‖", color = "Aqua" },
}

-- Names that WezTerm takes for AnsiColor; anything else is a colour of its own.
local ANSI = {}
for name in
  ("Black Maroon Green Olive Navy Purple Teal Silver Grey Red Lime Yellow Blue Fuchsia Aqua White"):gmatch("%a+")
do
  ANSI[name] = true
end

---@param color string
local function foreground(color)
  return { Foreground = ANSI[color] and { AnsiColor = color } or { Color = color } }
end

-- md_circle_slice_1 to _8, as WezTerm draws the progress of a pane (wezterm-gui/src/tabbar.rs, 2025-02-23).
local SLICES = 0xf0a9e

---@class wa.Badges
local Badges = {}
Badges.__index = Badges

---@param opts wa.Options
---@return wa.Badges
function M.new(opts)
  local styles = {}
  for _, class in ipairs(marker.CLASSES) do
    local given = (opts.styles or {})[class] or {}
    styles[class] = { glyph = given.glyph or M.STYLES[class].glyph, color = given.color or M.STYLES[class].color }
  end
  return setmetatable({
    styles = styles,
    theirs = opts.format_tab_title,
    their_window_title = opts.format_window_title,
    looks = {},
    is_drawing = false,
    warned = {},
  }, Badges)
end

---Calls a handler of the user's; an error of theirs is logged once, and our own drawing stands in.
function Badges:_ask(what, theirs, ...)
  if not theirs then
    return nil
  end
  local ok, answer = pcall(theirs, ...)
  if ok then
    return answer
  end
  if not self.warned[what] then
    self.warned[what] = true
    wezterm.log_warn("wa: " .. what .. " failed: " .. tostring(answer))
  end
  return nil
end

---The cells of a badge, as wide as `max_cells` allows: what is most urgent stays.
---@param counts wa.Counts
---@param max_cells integer
---@return table[] items
---@return integer cells
function Badges:_badge(counts, max_cells)
  local items, cells = {}, 0
  for _, class in ipairs(marker.CLASSES) do
    local count, style = counts[class], self.styles[class]
    if count and style.glyph ~= "" then
      local text = style.glyph .. (count > 1 and tostring(count) or "")
      local wide = wezterm.column_width(text)
      if cells + wide + 1 > max_cells then
        break
      end
      if style.color then
        items[#items + 1] = foreground(style.color)
      end
      items[#items + 1] = { Text = text }
      cells = cells + wide
    end
  end
  if cells > 0 then
    items[#items + 1] = "ResetAttributes"
    items[#items + 1] = { Text = " " }
    cells = cells + 1
  end
  return items, cells
end

-- Room that a domain's badge leaves for the title.
local TITLE_CELLS = 5

---The badge of a tab's domain, where it has a look of its own, as wide as there is room.
---@param tab table
---@param room integer
---@return table[] items
---@return integer cells
function Badges:_domain_badge(tab, room)
  if next(self.looks) == nil or not tab.active_pane then
    return {}, 0
  end
  -- Of a pane that is just going WezTerm knows no domain, and of an old WezTerm no pane has one.
  local ok, name = pcall(function()
    return tab.active_pane.domain_name
  end)
  local look = ok and self.looks[name] or nil
  local text = look and (look.text or name)
  if not look or text == "" then
    return {}, 0
  end
  if wezterm.column_width(text) + 1 + TITLE_CELLS > room then
    text = wezterm.truncate_right(text, math.max(0, room - TITLE_CELLS - 1))
    if text == "" then
      return {}, 0
    end
  end
  local cells = wezterm.column_width(text) + 1
  local items = look.color and { foreground(look.color) } or {}
  items[#items + 1] = { Text = text }
  items[#items + 1] = "ResetAttributes"
  items[#items + 1] = { Text = " " }
  return items, cells
end

---The badge of a tab as FormatItems (empty without one), its width, and the tab's title as the user knows it.
---@param tab table
---@param max_width integer?
---@return table[] items
---@return integer cells
---@return string title
function Badges:of_tab(tab, max_width)
  self.is_drawing = true
  local counts, own = marker.parse(tab.tab_title or "")
  local items, cells = {}, 0
  if counts then
    -- WezTerm asks twice, the second time with the width of what we answered first: that must fit then.
    items, cells = self:_badge(counts, max_width or 1000)
  end
  if own == "" and tab.active_pane then
    own = marker.clean(tab.active_pane.title or "")
  end
  local domain, wide = self:_domain_badge(tab, (max_width or 1000) - cells)
  if wide > 0 then
    items, cells = table.move(items, 1, #items, #domain + 1, domain), cells + wide
  end
  return items, cells, own
end

local function clean_pane(pane)
  if not pane or not (pane.title or ""):find("\u{2063}", 1, true) then
    return pane
  end
  return setmetatable({ title = marker.clean(pane.title) }, {
    __index = function(_, name)
      return pane[name]
    end,
  })
end

---A tab as WezTerm gave it, with titles free of markers: what handlers of the user's may see.
local function clean_tab(tab)
  local counts, own = marker.parse(tab.tab_title or "")
  local pane = tab.active_pane
  local plain = clean_pane(pane)
  if not counts and rawequal(plain, pane) then
    return tab
  end
  return setmetatable({ tab_title = own }, {
    __index = function(_, name)
      if name == "active_pane" then
        return plain
      elseif name == "panes" then
        return M.clean_all(tab.panes, clean_pane)
      end
      return tab[name]
    end,
  })
end

---@param list table[]
---@param clean fun(one: table): table
---@return table[]
function M.clean_all(list, clean)
  local found = {}
  for at, one in ipairs(list or {}) do
    found[at] = clean(one)
  end
  return found
end

-- Progress came after 20240203; what WezTerm does not know of a pane it answers by an error.
local function progress_of(pane)
  local ok, progress = pcall(function()
    return pane.progress
  end)
  return ok and type(progress) == "table" and progress or nil
end

---What WezTerm draws before the title where nobody has a handler: the tab's number, and the progress of its pane.
local function prefix(tab, config)
  local space = config.use_fancy_tab_bar and "" or " "
  -- The fancy bar draws emoji wider than their cells, and cuts the end off.
  local after = " "
  local items, cells = {}, 0
  if config.show_tab_index_in_tab_bar ~= false then
    local first = config.tab_and_split_indices_are_zero_based and 0 or 1
    local text = string.format("%s%d: ", space, tab.tab_index + first)
    items[1], cells = { Text = text }, #text
  else
    after = config.use_fancy_tab_bar and after or ""
  end
  local progress = tab.active_pane and progress_of(tab.active_pane)
  local percent = progress and (progress.Percentage or progress.Error)
  if percent then
    items[#items + 1] = { Foreground = { AnsiColor = progress.Error and "Maroon" or "Green" } }
    items[#items + 1] = { Text = utf8.char(SLICES + math.min(percent, 99) // 12) .. " " }
    items[#items + 1] = "ResetAttributes"
    cells = cells + 2
  end
  return items, cells, after
end

local function append(items, more)
  return table.move(more, 1, #more, #items + 1, items)
end

---The handler of `format-tab-title`: the badge, then what the user's own handler says, else WezTerm's usual title.
---@return table|string|nil
function Badges:format_tab_title(tab, tabs, panes, config, hover, max_width)
  local before, used, space = {}, 0, ""
  if not self.theirs and tab.active_pane then
    before, used, space = prefix(tab, config or {})
  end
  local badge, cells, own = self:of_tab(tab, (max_width or 1000) - used)
  local left = (max_width or 1000) - cells - used
  if self.theirs then
    local answer = self:_ask(
      "format_tab_title",
      self.theirs,
      clean_tab(tab),
      M.clean_all(tabs, clean_tab),
      M.clean_all(panes, clean_pane),
      config,
      hover,
      left
    )
    if type(answer) == "table" then
      return append(badge, answer)
    elseif answer ~= nil then
      badge[#badge + 1] = { Text = tostring(answer) }
      return badge
    end
  end
  if not tab.active_pane or #badge == 0 and own == (tab.tab_title ~= "" and tab.tab_title or tab.active_pane.title) then
    return nil
  end
  if self.theirs then
    -- Theirs had nothing to say.
    before, used, space = prefix(tab, config or {})
    left = left - used
  end
  local items = append(before, badge)
  local room = math.max(0, left - #space)
  if wezterm.column_width(own) > room then
    own = wezterm.truncate_right(own, room)
  end
  items[#items + 1] = { Text = own .. space }
  return items
end

---In a window's title, where an agent that has nothing to do is no news.
---@type wa.Class[]
local IN_WINDOW = { "waiting", "error", "working", "limited", "paused" }

---The counts of all tabs of a window: `✋1 ▶3 ⏳1`; "" where nothing happens.
---@param tabs table[]
---@return string
function Badges:window_counts(tabs)
  local sums = {}
  for _, tab in ipairs(tabs or {}) do
    for class, count in pairs(marker.parse(tab.tab_title or "") or {}) do
      sums[class] = (sums[class] or 0) + count
    end
  end
  local words = {}
  for _, class in ipairs(IN_WINDOW) do
    local glyph = self.styles[class].glyph
    if sums[class] and glyph ~= "" then
      words[#words + 1] = glyph .. sums[class]
    end
  end
  return table.concat(words, " ")
end

---The handler of `format-window-title`: the counts, then the user's own title, else WezTerm's usual one.
---@return string|nil
function Badges:format_window_title(tab, pane, tabs, panes, config)
  local counts = self:window_counts(tabs)
  local title = self:_ask(
    "format_window_title",
    self.their_window_title,
    tab and clean_tab(tab),
    clean_pane(pane),
    M.clean_all(tabs, clean_tab),
    M.clean_all(panes, clean_pane),
    config
  )
  if title == nil then
    if not tab or not pane then
      return counts ~= "" and counts or nil
    end
    title = (pane.is_zoomed and "[Z] " or "")
      .. (#tabs > 1 and string.format("[%d/%d] ", tab.tab_index + 1, #tabs) or "")
      .. marker.clean(pane.title or "")
  end
  return counts ~= "" and counts .. "  " .. tostring(title) or tostring(title)
end

return M
