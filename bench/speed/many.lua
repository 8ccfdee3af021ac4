-- wrk: the call of `ask.lua`, each with another key. KEYS: a file of keys, one a line; SPREAD:
-- `even`, every key as likely, or `usual`, the key of rank r as likely as 1/r.
dofile((os.getenv("HERE") or ".") .. "/ask.lua")
local keys = {}
for line in io.lines(os.getenv("KEYS")) do keys[#keys + 1] = line end
local even = os.getenv("SPREAD") == "even"

function init(args) math.randomseed(tonumber(os.getenv("SEED") or "1")) end

function request()
  local at = even and math.random(#keys) or math.floor((#keys) ^ math.random())
  if at < 1 then at = 1 elseif at > #keys then at = #keys end
  wrk.headers["Authorization"] = "Bearer " .. keys[at]
  return wrk.format()
end
