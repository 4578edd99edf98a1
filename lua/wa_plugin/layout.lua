-- One layout for a workstation and its hosts: their domains, how each looks, what a start opens, and keys between them.
--
-- Every part is left out unless `opts.layout` asks for it, and nothing that the configuration has already is replaced.

local actions = require("wa_plugin.actions")
local looks = require("wa_plugin.looks")
local startup = require("wa_plugin.startup")
local wezterm = require("wezterm")

local M = {}

---@class wa.Layout
---@field domains table[]? entries for `ssh_domains`
---@field looks table<string, wa.Look>? by the name of a domain
---@field startup wa.Startup?
---@field keys {domains: string[]}? LEADER 1, 2, 3 … open a tab in these

-- Rows of digits have nine domains; WezTerm's own launcher has all.
local MAX_DIGITS = 9
local LEADER = { key = "a", mods = "CTRL", timeout_milliseconds = 1500 }

---Adds domains whose names are free.
---@param config table
---@param wanted table[]
function M.add_domains(config, wanted)
  local domains, taken = config.ssh_domains, {}
  if not domains then
    -- What WezTerm makes of ~/.ssh/config stays there beside ours.
    local ok, usual = pcall(wezterm.default_ssh_domains)
    domains = ok and usual or {}
  end
  for _, list in ipairs({ domains, config.unix_domains or {}, config.tls_clients or {} }) do
    for _, one in ipairs(list) do
      taken[one.name or ""] = true
    end
  end
  for _, one in ipairs(wanted) do
    if not taken[one.name] then
      taken[one.name] = true
      domains[#domains + 1] = one
    end
  end
  config.ssh_domains = domains
end

---Adds keys; one that the user has already stays theirs.
---@param config table
---@param domains string[]
---@param has_looks boolean? another tab may be of another domain: then its colours are looked for
function M.add_keys(config, domains, has_looks)
  local act = wezterm.action
  local function go(by)
    local step = act.ActivateTabRelative(by)
    return has_looks and act.Multiple({ step, act.EmitEvent(looks.LOOK) }) or step
  end
  local wanted = {
    { key = "w", mods = "LEADER", action = act.ShowLauncherArgs({ flags = "FUZZY|DOMAINS" }) },
    { key = "LeftArrow", mods = "CTRL|SHIFT", action = go(-1) },
    { key = "RightArrow", mods = "CTRL|SHIFT", action = go(1) },
  }
  for at = 1, math.min(#domains, MAX_DIGITS) do
    local place = domains[at] == "local" and "DefaultDomain" or { DomainName = domains[at] }
    wanted[#wanted + 1] = { key = tostring(at), mods = "LEADER", action = act.SpawnTab(place) }
  end
  local keys, taken = config.keys or {}, {}
  for _, one in ipairs(keys) do
    if type(one.key) == "string" then
      taken[actions.spelling(one.key, one.mods)] = true
    end
  end
  if not config.leader and not taken[actions.spelling(LEADER.key, LEADER.mods)] then
    config.leader = LEADER
    -- The key itself, for programs that want it: twice.
    local mods = "LEADER|" .. LEADER.mods
    wanted[#wanted + 1] =
      { key = LEADER.key, mods = mods, action = act.SendKey({ key = LEADER.key, mods = LEADER.mods }) }
  end
  for _, one in ipairs(wanted) do
    if not taken[actions.spelling(one.key, one.mods)] then
      keys[#keys + 1] = one
    end
  end
  config.keys = keys
end

---@param config table
---@param layout wa.Layout
---@param badges wa.Badges
function M.apply(config, layout, badges)
  if layout.domains and #layout.domains > 0 then
    M.add_domains(config, layout.domains)
  end
  if layout.keys then
    M.add_keys(config, layout.keys.domains or {}, layout.looks and true)
  end
  if layout.looks then
    badges.looks = layout.looks
    looks.register(layout.looks)
  end
  if layout.startup then
    startup.register(layout.startup)
  end
end

return M
