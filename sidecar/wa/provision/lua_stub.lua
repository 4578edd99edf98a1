-- `wezterm` for reading a configuration without WezTerm: what configurations ask while they are evaluated.
-- What is not known here is a stand-in that may be called, indexed, joined to text and counted, and is named in `noted`.

local host = ...
local noted, handlers, order = {}, {}, {}

local function note(text)
  if not noted[text] then
    noted[text] = true
    order[#order + 1] = text
  end
end

local nothing = {}
local function stand_in()
  return setmetatable({}, nothing)
end
nothing.__index = function(self, key)
  if type(key) == "number" then
    return nil
  end
  local one = stand_in()
  rawset(self, key, one)
  return one
end
nothing.__newindex = rawset
nothing.__call = stand_in
nothing.__concat = function(a, b)
  return (type(a) == "table" and "" or tostring(a)) .. (type(b) == "table" and "" or tostring(b))
end
nothing.__tostring = function()
  return ""
end
nothing.__len = function()
  return 0
end
for _, name in ipairs({ "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv" }) do
  nothing["__" .. name] = function()
    return 0
  end
end
nothing.__lt = function()
  return false
end
nothing.__le = nothing.__lt
nothing.__pairs = function(self)
  return function() end, self, nil
end
nothing.__name = "stand-in"

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local made = {}
  for key, one in next, value do
    made[key] = copy(one)
  end
  return made
end

local wezterm = {
  version = "20240203-110809-5046fc22",
  GLOBAL = {},
  config_file = host.config_file,
  config_dir = host.config_dir,
  home_dir = host.home_dir,
  executable_dir = "/usr/bin",
  target_triple = host.target_triple,
  gui = nil,
}

-- Strict, as WezTerm's: only tables and values go in. What it checks more, WezTerm itself checks.
function wezterm.config_builder()
  return setmetatable({}, {
    __index = function(_, key)
      if key == "set_strict_mode" then
        return function() end
      end
    end,
  })
end

local Action = {}
Action.__call = function(self, argument)
  return { action = self.action, argument = argument }
end
wezterm.action = setmetatable({}, {
  __index = function(_, name)
    return setmetatable({ action = name }, Action)
  end,
  __call = function(_, argument)
    local name = type(argument) == "table" and next(argument) or argument
    return { action = name, argument = type(argument) == "table" and argument[name] or nil }
  end,
})
function wezterm.action_callback(func)
  return { action = "callback", callback = func }
end

function wezterm.on(name, handler)
  if type(handler) ~= "function" then
    error("wezterm.on: the handler of " .. tostring(name) .. " is no function", 2)
  end
  handlers[#handlers + 1] = tostring(name)
end
function wezterm.emit()
  return true
end
wezterm.has_action = function()
  return true
end

for _, level in ipairs({ "log_info", "log_warn", "log_error" }) do
  wezterm[level] = function() end
end
wezterm.to_string = tostring
wezterm.print = function() end

function wezterm.hostname()
  return host.hostname
end
function wezterm.running_under_wsl()
  return false
end
function wezterm.run_child_process()
  note("`wezterm.run_child_process` was not done")
  return false, "", "not done"
end
function wezterm.background_child_process()
  note("`wezterm.background_child_process` was not done")
end
wezterm.open_with = function() end
wezterm.sleep_ms = function() end
function wezterm.glob()
  return {}
end
wezterm.read_dir = wezterm.glob
wezterm.battery_info = wezterm.glob
wezterm.enumerate_ssh_hosts = wezterm.glob
wezterm.default_ssh_domains = wezterm.glob
wezterm.default_wsl_domains = wezterm.glob
wezterm.default_hyperlink_rules = wezterm.glob
wezterm.add_to_config_reload_watch_list = function() end
wezterm.reload_configuration = function() end

local function font(name, attributes)
  return { font = name, attributes = attributes }
end
wezterm.font, wezterm.font_with_fallback = font, font

local Color = { __name = "color" }
local function color(value)
  return setmetatable({ color = value }, Color)
end
Color.__index = function(self)
  -- Every method of a colour that has a name of its own gives a colour, or the parts of one.
  return function()
    return self, self, self, self
  end
end
Color.__tostring = function(self)
  return tostring(rawget(self, "color"))
end
Color.__concat = function(a, b)
  return tostring(a) .. tostring(b)
end
local function scheme()
  local ansi = {}
  for at = 1, 8 do
    ansi[at] = "#000000"
  end
  return setmetatable({ ansi = ansi, brights = copy(ansi), tab_bar = {}, indexed = {} }, {
    __index = function(_, key)
      return type(key) == "string" and "#000000" or nil
    end,
  })
end
local schemes = setmetatable({}, {
  __index = function(self, name)
    local one = scheme()
    rawset(self, name, one)
    return one
  end,
})
wezterm.color = setmetatable({
  parse = color,
  from_hsla = function()
    return color("#000000")
  end,
  get_builtin_schemes = function()
    return schemes
  end,
  get_default_colors = scheme,
  load_scheme = function()
    return scheme(), {}
  end,
  gradient = function(_, count)
    local found = {}
    for at = 1, math.min(count or 0, 4096) do
      found[at] = color("#000000")
    end
    return found
  end,
}, nothing)
wezterm.gradient_colors = wezterm.color.gradient
wezterm.get_builtin_color_schemes = wezterm.color.get_builtin_schemes

wezterm.nerdfonts = setmetatable({}, {
  __index = function()
    return "?"
  end,
})

wezterm.mux = setmetatable({
  all_domains = wezterm.glob,
  all_windows = wezterm.glob,
  get_workspace_names = wezterm.glob,
  get_active_workspace = function()
    return "default"
  end,
}, nothing)

local Time = {}
Time.__index = function()
  return function()
    return "0"
  end
end
local function moment()
  return setmetatable({}, Time)
end
wezterm.time =
  setmetatable({ now = moment, parse = moment, parse_rfc3339 = moment, call_after = function() end }, nothing)
function wezterm.strftime()
  return "0"
end
wezterm.strftime_utc = wezterm.strftime
wezterm.procinfo = setmetatable({
  pid = function()
    return 1
  end,
}, nothing)

wezterm.json_parse = host.json_parse
function wezterm.json_encode()
  return "{}"
end
wezterm.serde = setmetatable({ json_decode = host.json_parse, json_encode = wezterm.json_encode }, nothing)

function wezterm.column_width(text)
  return utf8.len(text) or #text
end
function wezterm.pad_right(text, width)
  return text .. (" "):rep(width - wezterm.column_width(text))
end
function wezterm.pad_left(text, width)
  return (" "):rep(width - wezterm.column_width(text)) .. text
end
function wezterm.truncate_right(text, width)
  return text:sub(1, (utf8.offset(text, width + 1) or #text + 1) - 1)
end
wezterm.truncate_left = wezterm.truncate_right
function wezterm.format()
  return ""
end
function wezterm.split_by_newlines(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  return lines
end
function wezterm.shell_split(text)
  local words = {}
  for word in text:gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end
function wezterm.shell_join_args(words)
  return table.concat(words, " ")
end
function wezterm.shell_quote_arg(word)
  return "'" .. word .. "'"
end
function wezterm.utf16_to_utf8(text)
  return text
end

local MODS = { "NONE", "CTRL", "ALT", "SHIFT", "SUPER" }
local function permuted(with_none)
  return function(item)
    local found = {}
    for at = with_none and 1 or 2, #MODS do
      local one = copy(item)
      one.mods = MODS[at]
      found[#found + 1] = one
    end
    return found
  end
end
wezterm.permute_any_mods, wezterm.permute_any_or_no_mods = permuted(false), permuted(true)

wezterm.plugin = setmetatable({
  require = function(url)
    note("the plugin " .. tostring(url) .. " was not loaded")
    return stand_in()
  end,
  list = wezterm.glob,
  update_all = function() end,
}, nothing)

function wezterm.exec_domain(name)
  return { name = name }
end
function wezterm.background(layers)
  return layers
end

-- For a configuration that asks for the window system without looking whether there is one.
local gui = setmetatable({
  get_appearance = function()
    return "Dark"
  end,
  gui_windows = wezterm.glob,
  enumerate_gpus = wezterm.glob,
  default_keys = wezterm.glob,
  default_key_tables = wezterm.glob,
}, nothing)
if host.with_gui then
  wezterm.gui = gui
end

setmetatable(wezterm, {
  __index = function(self, key)
    if key == "gui" then
      return nil
    end
    note("`wezterm." .. tostring(key) .. "` is not known here")
    local one = stand_in()
    rawset(self, key, one)
    return one
  end,
})

return { wezterm = wezterm, handlers = handlers, noted = order, stand_in = stand_in, nothing = nothing, note = note }
