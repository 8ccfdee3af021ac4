-- Ends reservations and charges what was used, in the minute, day and month in which each was
-- made. One that the store has lost is charged by what the node knows of it, once.

-- What was taken at an instant as `from` turns out to be `to`.
local function correct(a, made, from, to)
  if from == to then return end
  local b, target = a.b, floor(made / SECOND)
  local low, high = 0, #b / BUCKET_LEN - 1
  while low <= high do
    local middle = floor((low + high) / 2)
    local p = middle * BUCKET_LEN + 1
    local last, r, t = unpack(BUCKET, b, p)
    local second = floor(last / SECOND)
    if second == target then
      a.t = a.t - from + to
      a.b = sub(b, 1, p - 1) .. pack(BUCKET, last, r, t - from + to) .. sub(b, p + BUCKET_LEN)
      return
    end
    if second < target then low = middle + 1 else high = middle - 1 end
  end
end

-- It may be told again: remembered as long as one that lapsed.
local function remember(id, of_day, of_month)
  local due = now + LATE
  call('HSET', C, 'r' .. id, pack(RESERVED, DONE, due, now, of_day, of_month, 0, 0, 0, 0))
  call('ZADD', D, due, id)
  if due < next_due then next_due = due end
end

local why = begin(call('HGET', C, 'm'))
if why then return why end
local many, said = 0, {}
many, pos = unpack('<I2', ARGV[1], pos)
for i = 1, many do
  local id, used, l, h, its_gen, made, of_day, of_month, subjects, list
  id, used, l, h, its_gen, made, of_day, of_month, subjects, pos =
    unpack('<I2c0I8I4I4c8i8i4i4I2', ARGV[1], pos)
  list, pos = names(ARGV[1], pos, subjects)
  local text = call('HGET', C, 'r' .. id)
  local r = text and reserved(text)
  if r and r.state ~= DONE then
    local those = names(text, r.p, r.many)
    fetch(those)
    local was = r.state
    if was == DOUBT then believe(id, r) end
    for _, name in ipairs(those) do
      local a = account(name)
      if was == OPEN then release(a, r.d, r.m, r.h, r.l) end
      correct(a, r.made, r.t, used)
      spend(a, r.d, r.m, h, l)
      changed[name] = true
    end
    if its_gen == gen then
      call('HDEL', C, 'r' .. id)
      call('ZREM', D, id)
    else
      -- The node does not know that it was here: told again, it would be charged anew.
      remember(id, r.d, r.m)
    end
    if was == OPEN then open = open - 1 end
    -- The counters may stand on a ledger by now that has it already.
    if was == LAPSED and h + l > 0 then dirty = 1 end
    seq = seq + 1
    said[i] = was == OPEN and 'I' or 'L'
  elseif r or its_gen == gen then
    said[i] = 'N'
  else
    fetch(list)
    for _, name in ipairs(list) do
      local a = account(name)
      if made + MINUTE > now then count(a, used) end
      spend(a, of_day, of_month, h, l)
      changed[name] = true
    end
    remember(id, of_day, of_month)
    seq, dirty, touch = seq + 1, 1, true
    said[i] = 'C'
  end
end
save()
return answer(pack('<I2', many) .. table.concat(said))
