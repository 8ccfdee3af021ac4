-- The counters of one org, as crates/limits/src/core keeps them: the same steps, the same
-- answers. KEYS[1] is a hash: `m` the state of the org, `a<name>` an account, `r<request>` a
-- reservation, `u` the requests that are in doubt, `w` when the last of them came to be, by the
-- store's own clock, `l` who loads it as long as it has no state, `x` who reads the
-- ledger to compare. KEYS[2] orders reservations by
-- when their state ends by itself.
-- Numbers of Lua are doubles: counts and microseconds stay below 2^53. Money does not, so it
-- is two halves of 32 bits.
local spread = unpack
local call, unpack, pack, sub, floor = redis.call, struct.unpack, struct.pack, string.sub, math.floor
local C, D = KEYS[1], KEYS[2]
local SECOND, MINUTE, LATE, HALF = 1000000, 60000000, 3600000000, 4294967296
-- Leases that end in one call at most; the others end in the next one.
local LAPSE_MAX = 256
-- Accounts that one step walks, about; and calls in doubt that it looks at.
local PIECE, DOUBTS_MAX = 300, 100
-- How long an org that nobody calls is remembered: longer than a month of money.
local FORGET_MS = 3456000000
local NEVER = 9007199254740992
-- So long a node has to take up again what it has under way: as after a loss (life.rs).
local GATHER = 3 * SECOND
-- In doubt: its lease has ended, and what it holds of money may have been spent.
local OPEN, LAPSED, DONE, DOUBT = 1, 2, 3, 4
local STATE, STATE_LEN = '<i8i4i4i8i8i8I4I8I8I1i8c8c8', 85
local ACCOUNT = '<i4i4I4I4I8I4I4I4I4I4I4I4I4'
local ACCOUNT_LEN, BUCKET, BUCKET_LEN = 56, '<i8I4I8', 20
local RESERVED, LIMITS_LEN = '<I1i8i8i4i4I8I4I4I2', 41

-- `ledger`: whoever counts compares with one.
local at, at_day, at_month, at_day_ends, at_month_ends, ahead_max, lease, asked_version, ledger, pos =
  unpack('<i8i4i4i8i8i8i8I8I1', ARGV[1])
-- The run of this store, as the node knows it: a store that was started again has another one.
local run = ARGV[2]
local now, day, month, day_ends, month_ends, next_due, open, seq, version, dirty, gather, gen
local accounts, changed, expired, expired_count, touch = {}, {}, {}, 0, false

-- Money, as a high and a low half.
local function plus(ah, al, bh, bl)
  local h, l = ah + bh, al + bl
  if l >= HALF then h, l = h + 1, l - HALF end
  if h >= HALF then return HALF - 1, HALF - 1 end
  return h, l
end
local function minus(ah, al, bh, bl)
  local h, l = ah - bh, al - bl
  if l < 0 then h, l = h - 1, l + HALF end
  if h < 0 then return 0, 0 end
  return h, l
end
local function more(ah, al, bh, bl) return ah > bh or (ah == bh and al > bl) end

-- Forgets what no longer counts.
local function roll(a)
  local b, p, r, t = a.b, 1, a.r, a.t
  local len = #b
  while p <= len do
    local last, requests, tokens = unpack(BUCKET, b, p)
    if last + MINUTE > now then break end
    r, t, p = r - requests, t - tokens, p + BUCKET_LEN
  end
  if p > len then a.b, a.r, a.t = '', 0, 0
  elseif p > 1 then a.b, a.r, a.t = sub(b, p), r, t end
end

local function read(value)
  local a
  if value then
    local d, m, s, r, t, dsl, dsh, dhl, dhh, msl, msh, mhl, mhh = unpack(ACCOUNT, value)
    a = { d = d, m = m, s = s, r = r, t = t, dsh = dsh, dsl = dsl, dhh = dhh, dhl = dhl,
      msh = msh, msl = msl, mhh = mhh, mhl = mhl, b = sub(value, ACCOUNT_LEN + 1) }
    roll(a)
  else
    a = { d = -2147483648, m = -2147483648, s = 0, r = 0, t = 0, dsh = 0, dsl = 0, dhh = 0,
      dhl = 0, msh = 0, msl = 0, mhh = 0, mhl = 0, b = '' }
  end
  return a
end

local function account(name)
  local a = accounts[name]
  if not a then
    a = read(call('HGET', C, 'a' .. name))
    accounts[name] = a
  end
  return a
end

-- Reads several at once.
local function fetch(list)
  local fields = { 'HMGET', C }
  for i = 1, #list do fields[i + 2] = 'a' .. list[i] end
  if #list == 0 then return end
  local values = call(spread(fields))
  for i = 1, #list do
    if not accounts[list[i]] then accounts[list[i]] = read(values[i]) end
  end
end

-- Goes on to a later period; false when that period is already past.
local function turn_day(a, period)
  if period > a.d then a.d, a.dsh, a.dsl, a.dhh, a.dhl = period, 0, 0, 0, 0 end
  return period == a.d
end
local function turn_month(a, period)
  if period > a.m then a.m, a.msh, a.msl, a.mhh, a.mhl = period, 0, 0, 0, 0 end
  return period == a.m
end
local function hold(a, of_day, of_month, h, l)
  if turn_day(a, of_day) then a.dhh, a.dhl = plus(a.dhh, a.dhl, h, l) end
  if turn_month(a, of_month) then a.mhh, a.mhl = plus(a.mhh, a.mhl, h, l) end
end
local function leave(a)
  if a.s > 0 then a.s = a.s - 1 end
end
local function give_back(a, of_day, of_month, h, l)
  if turn_day(a, of_day) then a.dhh, a.dhl = minus(a.dhh, a.dhl, h, l) end
  if turn_month(a, of_month) then a.mhh, a.mhl = minus(a.mhh, a.mhl, h, l) end
end
local function release(a, of_day, of_month, h, l)
  leave(a)
  give_back(a, of_day, of_month, h, l)
end
local function spend(a, of_day, of_month, h, l)
  if turn_day(a, of_day) then a.dsh, a.dsl = plus(a.dsh, a.dsl, h, l) end
  if turn_month(a, of_month) then a.msh, a.msl = plus(a.msh, a.msl, h, l) end
end

-- One request and its tokens, from now on.
local function count(a, tokens)
  local b = a.b
  local len = #b
  a.r, a.t = a.r + 1, a.t + tokens
  if len > 0 then
    local last, r, t = unpack(BUCKET, b, len - BUCKET_LEN + 1)
    if floor(last / SECOND) == floor(now / SECOND) then
      a.b = sub(b, 1, len - BUCKET_LEN) .. pack(BUCKET, now, r + 1, t + tokens)
      return
    end
  end
  a.b = b .. pack(BUCKET, now, 1, tokens)
end

-- The names at the end of a reservation or an argument.
local function names(text, p, many)
  local list = {}
  for i = 1, many do
    list[i], p = unpack('<I2c0', text, p)
  end
  return list, p
end

local function reserved(text)
  local state, due, made, of_day, of_month, tokens, l, h, many, p = unpack(RESERVED, text)
  return { state = state, due = due, made = made, d = of_day, m = of_month, t = tokens, h = h,
    l = l, many = many, p = p, text = text }
end

-- What is in doubt of money is given back; charged it may still be.
local function believe(id, r)
  for _, name in ipairs((names(r.text, r.p, r.many))) do
    give_back(account(name), r.d, r.m, r.h, r.l)
    changed[name] = true
  end
  r.state = LAPSED
  call('HSET', C, 'r' .. id, pack('<I1', LAPSED) .. sub(r.text, 2))
end

-- The store's own clock.
local function here()
  local time = call('TIME')
  return tonumber(time[1]) * SECOND + tonumber(time[2])
end

-- Leases that have ended give back what they held: slots at once, money when the ledger says
-- how much of it was spent.
local function lapse()
  local left, doubts = LAPSE_MAX, {}
  while left > 0 do
    local due = call('ZRANGEBYSCORE', D, '-inf', now, 'LIMIT', 0, left)
    if #due == 0 then break end
    left = left - #due
    for _, id in ipairs(due) do
      local text = call('HGET', C, 'r' .. id)
      local r = text and reserved(text)
      if r and r.state == OPEN then
        local doubt = ledger > 0 and r.h + r.l > 0
        for _, name in ipairs((names(text, r.p, r.many))) do
          if doubt then leave(account(name)) else release(account(name), r.d, r.m, r.h, r.l) end
          changed[name] = true
        end
        if doubt then doubts[#doubts + 1] = pack('<I2', #id) .. id end
        open, dirty = open - 1, 1
        expired_count = expired_count + 1
        expired[expired_count] = pack('<I2', #id) .. id .. pack('<i8i8I8I4I4', r.made, r.due, r.t, r.l, r.h)
        call('HSET', C, 'r' .. id, pack('<I1i8', doubt and DOUBT or LAPSED, r.due + LATE) .. sub(text, 10))
        call('ZADD', D, r.due + LATE, id)
      else
        if r and r.state == DOUBT then believe(id, r) end
        call('HDEL', C, 'r' .. id)
        call('ZREM', D, id)
      end
    end
  end
  if #doubts > 0 then
    call('HSET', C, 'u', (call('HGET', C, 'u') or '') .. table.concat(doubts), 'w', here())
  end
  local first = call('ZRANGE', D, 0, 0, 'WITHSCORES')
  next_due = first[2] and tonumber(first[2]) or NEVER
end

-- A state that was written in another run is one of before: a dump, or a replica that lagged.
local function is_of_this_run(state)
  return state and #state == STATE_LEN and sub(state, -8) == run
end

-- Takes up the state of the org and lets time pass, which never runs backwards. Answers why not.
local function begin(state)
  if not is_of_this_run(state) then return 'L' end
  now, day, month, day_ends, month_ends, next_due, open, seq, version, dirty, gather, gen = unpack(STATE, state)
  if at > now then
    if ahead_max >= 0 and at > now + SECOND then
      -- A clock that is far ahead must not carry everybody along.
      local believed = here() + ahead_max
      if at > believed then
        -- What day it is then only the node can say.
        if believed >= day_ends then return 'T' .. pack('<i8', believed) end
        at = believed
      end
    end
    if at > now then now = at end
    if now >= day_ends then
      day, month, day_ends, month_ends = at_day, at_month, at_day_ends, at_month_ends
      touch = true
    end
  end
  if next_due <= now then lapse() end
end

local function state()
  return pack(STATE, now, day, month, day_ends, month_ends, next_due, open, seq, version, dirty,
    gather, gen, run)
end

local function written(a)
  return pack(ACCOUNT, a.d, a.m, a.s, a.r, a.t, a.dsl, a.dsh, a.dhl, a.dhh, a.msl, a.msh, a.mhl,
    a.mhh) .. a.b
end

-- Writes what has changed, and with it `field` and `value`.
local function save(field, value)
  local list = { 'HSET', C, 'm', state() }
  local n = 4
  if field then list[5], list[6], n = field, value, 6 end
  for name in pairs(changed) do
    list[n + 1], list[n + 2], n = 'a' .. name, written(accounts[name]), n + 2
    if n > 4000 then
      call(spread(list))
      list, n = { 'HSET', C, 'm', list[4] }, 4
    end
  end
  call(spread(list))
  if touch then
    call('PEXPIRE', C, FORGET_MS)
    call('PEXPIRE', D, FORGET_MS)
  end
end

local function answer(body)
  return 'D' .. pack('<c8I1I4I8I8', gen, dirty, open, seq, version) .. body
    .. pack('<I2', expired_count) .. table.concat(expired)
end
