-- The marker that the sidecar sets before a tab's own title (docs/protocol/badges.md). Pure.

local M = {}

---@alias wa.Class "waiting"|"error"|"limited"|"working"|"idle"|"paused"
---@alias wa.Counts table<wa.Class, integer>

---Most urgent first; the order of the marker.
---@type wa.Class[]
M.CLASSES = { "waiting", "error", "limited", "working", "idle", "paused" }

local SIGN = "\u{2063}"
local PATTERN = "^" .. SIGN .. "wa1:([a-z=%d,]*)" .. SIGN .. "(.*)$"
local MAX_COUNT = 99
-- A marker before a marker is what a second sidecar left; more of them nobody writes.
local MAX_NESTED = 4

local IS_CLASS = {}
for _, class in ipairs(M.CLASSES) do
  IS_CLASS[class] = true
end

---What the marker of a tab's title counts (nil without a marker), and the user's own title behind it.
---Only for titles of tabs: programs in panes can write any title of a pane.
---@param title string
---@return wa.Counts|nil counts
---@return string own
function M.parse(title)
  local body, own = title:match(PATTERN)
  if not body then
    return nil, title
  end
  local counts = {}
  for class, count in body:gmatch("(%l+)=(%d+)") do
    local number = tonumber(count)
    if IS_CLASS[class] and not counts[class] and number >= 1 then
      counts[class] = math.tointeger(math.min(number, MAX_COUNT))
    end
  end
  for _ = 1, MAX_NESTED do
    local _, inner = own:match(PATTERN)
    if not inner then
      break
    end
    own = inner
  end
  return counts, own
end

---A title without the sign that markers begin with.
---@param title string
---@return string
function M.clean(title)
  if title:find(SIGN, 1, true) then
    return (title:gsub(SIGN, ""))
  end
  return title
end

return M
