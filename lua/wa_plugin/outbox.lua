-- What is to be told to the sidecar: a queue in the memory of this Lua state, and one emitter at a time.
--
-- run_child_process yields until the emitter has returned. Whoever calls `flush` must not keep other handlers
-- waiting by that: events.lua calls it from an event of its own.

local wezterm = require("wezterm")

local M = {}

local MAX_QUEUED = 200
local MAX_QUEUED_OF_PANE = 64
local MAX_BATCH = 50
local MAX_BATCH_BYTES = 32 * 1024
local MIN_WAIT_S = 0.25
local MAX_WAIT_S = 60
-- A flood must not become a flood of processes: so many at once, and so many a second after that.
local EMITTERS_AT_ONCE = 8
local EMITTERS_PER_S = 8
-- An emitter takes 200 ms at most; a task that WezTerm dropped never comes back.
local LOST_AFTER_MS = 10000

---@class wa.Event
---@field name string
---@field pane_id integer?
---@field value string?

---@class wa.Outbox
---@field private queue wa.Event[]
---@field private busy_until_ms integer? a task empties the queue, or waits to; after that it is lost
---@field private wait_s number 0 while the sidecar answers
local Outbox = {}
Outbox.__index = Outbox

---Milliseconds since the epoch.
---@return integer
function M.now_ms()
  return math.tointeger(tonumber(wezterm.time.now():format_utc("%s%3f"))) or os.time() * 1000
end

---@param settings wa.Settings
---@return wa.Outbox
function M.new(settings)
  return setmetatable({
    settings = settings,
    queue = {},
    wait_s = 0,
    allowed = EMITTERS_AT_ONCE,
    allowed_ms = 0,
    told = 0,
    files = 0,
    id = nil,
  }, Outbox)
end

---Which queued event another one makes superfluous. Values of variables are news each, unless nobody listens.
local function same(one, other, waiting)
  if one.name ~= other.name or one.pane_id ~= other.pane_id then
    return false
  end
  if one.name == "var" then
    return one.var == other.var and (waiting or one.value == other.value)
  elseif one.name == "act" then
    return one.what == other.what
  elseif one.name == "topology" then
    return false
  end
  return one.window_id == other.window_id
end

---The place of the event that has to go: of the pane that fills the queue, else what is lost most cheaply.
local function victim(queue, pane_id)
  for at, event in ipairs(queue) do
    if pane_id and event.pane_id == pane_id or not pane_id and event.pane_id then
      return at
    end
  end
  return 1
end

---Adds an event. At most 200 are kept, the newest, and at most 64 of one pane.
---@param event wa.Event
function Outbox:put(event)
  local queue = self.queue
  local now = M.now_ms()
  if not self.id then
    -- No other Lua state of this process, and none of another, counts under the same name.
    self.id = string.format("%d-%d-%s", wezterm.procinfo.pid(), now, tostring(self.queue):match("%w+$"):sub(-8))
  end
  self.told = self.told + 1
  event.at_ms = now
  event.key = self.id .. "-" .. self.told
  local of_pane = 0
  for at = #queue, 1, -1 do
    if same(queue[at], event, self.wait_s > 0) then
      queue[at] = event
      return
    end
    if event.pane_id and queue[at].pane_id == event.pane_id then
      of_pane = of_pane + 1
    end
  end
  if of_pane >= MAX_QUEUED_OF_PANE then
    table.remove(queue, victim(queue, event.pane_id))
  elseif #queue >= MAX_QUEUED then
    table.remove(queue, victim(queue, nil))
  end
  queue[#queue + 1] = event
end

---Whether `flush` would do anything now.
---@return boolean
function Outbox:is_due()
  if #self.queue == 0 then
    return false
  end
  local left = (self.busy_until_ms or 0) - M.now_ms()
  -- A clock that was set back must not silence us for longer than the longest wait.
  return left <= 0 or left > MAX_WAIT_S * 1000 + LOST_AFTER_MS
end

---The oldest events as lines, and how many of them there are.
local function batch(queue)
  local lines, size, count = {}, 0, 0
  for at = 1, math.min(#queue, MAX_BATCH) do
    local ok, line = pcall(wezterm.json_encode, queue[at])
    line = ok and line .. "\n" or ""
    if count > 0 and size + #line > MAX_BATCH_BYTES then
      break
    end
    count, size = at, size + #line
    lines[#lines + 1] = line
  end
  return table.concat(lines), count
end

function Outbox:_command(what, argument)
  local with = self.settings
  return { with.python, "-I", "-S", with.emit, "--socket", with.socket, "--spool", with.spool, what, argument }
end

---Writes lines to a new file, and names it. Raises.
function Outbox:_write(lines)
  self.files = self.files + 1
  local path = string.format("%s/lua-%s-%d.jsonl", self.settings.spool_dir, self.id, self.files)
  local file = io.open(path, "w")
  if not file then
    -- Each login begins with an empty runtime folder, and Lua can make none.
    wezterm.run_child_process(self:_command("--folder", self.settings.spool_dir))
    file = assert(io.open(path, "w"))
  end
  file:write(lines)
  assert(file:close())
  return path
end

---Takes the oldest events off the queue and runs `how` with the emitter's command. They come back if it never ran.
---@param how function wezterm.run_child_process or wezterm.background_child_process
---@return boolean told
---@return string? why
function Outbox:_send(how)
  local lines, count = batch(self.queue)
  local taken = table.move(self.queue, 1, count, 1, {})
  self.queue = table.move(self.queue, count + 1, #self.queue, 1, {})
  if lines == "" then
    return true
  end
  local path
  local ok, told = pcall(function()
    path = self:_write(lines)
    return how(self:_command("--file", path))
  end)
  if ok and how == wezterm.background_child_process then
    return true
  end
  -- The emitter removes the file when it has told or spooled what is in it.
  local left = path and io.open(path, "r")
  if left then
    left:close()
    os.remove(path)
  end
  if left or not path then
    local newer = self.queue
    self.queue = taken
    for _, event in ipairs(newer) do
      self:_requeue(event)
    end
  end
  return ok and told == true, ok and "no sidecar takes them" or tostring(told)
end

function Outbox:_requeue(event)
  if #self.queue >= MAX_QUEUED then
    table.remove(self.queue, victim(self.queue, nil))
  end
  self.queue[#self.queue + 1] = event
end

---Waits until another emitter may be started. Yields.
function Outbox:_pace()
  local function refill()
    local now = M.now_ms()
    local more = math.abs(now - self.allowed_ms) * EMITTERS_PER_S / 1000
    self.allowed, self.allowed_ms = math.min(EMITTERS_AT_ONCE, self.allowed + more), now
  end
  refill()
  if self.allowed < 1 then
    pcall(wezterm.sleep_ms, math.ceil((1 - self.allowed) * 1000 / EMITTERS_PER_S))
    refill()
  end
  self.allowed = math.max(0, self.allowed - 1)
end

---One attempt failed: the next one is due later and later. Yields until then.
---@return boolean waited
function Outbox:_back_off(why)
  self.wait_s = math.min(MAX_WAIT_S, math.max(MIN_WAIT_S, self.wait_s * 2))
  local wait_ms = math.floor(self.wait_s * 1000)
  -- One attempt may fail on a busy machine.
  if self.wait_s > MIN_WAIT_S and not wezterm.GLOBAL.wa_warned then
    wezterm.GLOBAL.wa_warned = true
    wezterm.log_warn("wa: events are kept for later: " .. why)
  end
  self.busy_until_ms = M.now_ms() + wait_ms + LOST_AFTER_MS
  if pcall(wezterm.sleep_ms, wait_ms) then
    return true
  end
  self.busy_until_ms = M.now_ms() + wait_ms
  return false
end

---Tells what is queued, and what is put meanwhile, until nothing is left. Yields, for as long as nobody listens.
function Outbox:flush()
  if not self:is_due() then
    return
  end
  while #self.queue > 0 do
    self.busy_until_ms = M.now_ms() + LOST_AFTER_MS
    self:_pace()
    local told, why = self:_send(wezterm.run_child_process)
    if told then
      self.wait_s = 0
    elseif not self:_back_off(why or "?") then
      return
    end
  end
  self.busy_until_ms = nil
end

---Tells what is queued without waiting for the end of it: for handlers that WezTerm's own start waits for.
function Outbox:flush_in_background()
  if self:is_due() then
    self:_send(wezterm.background_child_process)
  end
end

return M
