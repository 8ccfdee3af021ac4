-- Admits a call at every subject or at none, and names what takes longest to lift.
local id, tokens, l, h, hold_tokens, hold_l, hold_h, many
id, tokens, l, h, hold_tokens, hold_l, hold_h, many, pos = unpack('<I2c0I8I4I4I8I4I4I2', ARGV[1], pos)
-- Of each subject its name, where its limits stand in the argument, and its account.
local listed, limits, held = {}, {}, {}
local fields, argument = { 'HMGET', C, 'm', 'r' .. id }, ARGV[1]
for i = 1, many do
  local name
  name, pos = unpack('<I2c0', argument, pos)
  listed[i], limits[i], fields[i + 4] = name, pos, 'a' .. name
  pos = pos + LIMITS_LEN
end
local values = call(spread(fields))
-- Accounts roll by `now`, so the state comes first; a lapse may have read some already.
local why = begin(values[1])
if why then return why end
-- What has lapsed meanwhile is written whatever the answer is.
if version ~= asked_version then
  save()
  return 'V'
end
if gather > 0 then
  if here() >= gather then
    gather = 0
  elseif l + h > 0 then
    for i = 1, many do
      -- A limit in money.
      if unpack('<I1', argument, limits[i]) >= 8 then
        save()
        return 'G'
      end
    end
  end
end
for i = 1, many do
  local name = listed[i]
  local a = accounts[name]
  if not a then
    a = read(values[i + 2])
    accounts[name] = a
  end
  held[i] = a
end

-- How long until no more than `most` counts.
local function wait(a, left, place, most)
  local b = a.b
  for p = 1, #b, BUCKET_LEN do
    local last, r, t = unpack(BUCKET, b, p)
    left = left - (place == 1 and r or t)
    if left <= most then return last + MINUTE - now end
  end
  return 0
end
local function reset(a, place)
  local b = a.b
  for p = 1, #b, BUCKET_LEN do
    local last, r, t = unpack(BUCKET, b, p)
    if (place == 1 and r or t) > 0 then return last + MINUTE - now end
  end
  return 0
end

-- The tightest rates: place of the subject from 0, what remains, and when some comes back.
local function standing()
  local rp, rr, tp, tr
  for i = 1, many do
    local mask, rpm, tpm = unpack('<I1I8I8', argument, limits[i])
    if mask % 2 == 1 then
      local left = rpm - held[i].r
      if left < 0 then left = 0 end
      if not rr or left < rr then rp, rr = i, left end
    end
    if mask % 4 >= 2 then
      local left = tpm - held[i].t
      if left < 0 then left = 0 end
      if not tr or left < tr then tp, tr = i, left end
    end
  end
  return pack('<I2I8i8I2I8i8', rp or 0, rr or 0, rp and reset(held[rp], 1) or 0,
    tp or 0, tr or 0, tp and reset(held[tp], 2) or 0)
end

-- Read again if leases have ended meanwhile: it may be one of them.
local known = values[2]
if known and expired_count > 0 then known = call('HGET', C, 'r' .. id) end
if known then
  local r = reserved(known)
  -- It ended, or it would not be asked again.
  if r.state == DOUBT then believe(id, r) end
  -- What was settled after the store had lost it is not made anew.
  if r.state ~= LAPSED then
    save()
    return answer('P' .. pack('<i8i8', r.made, r.due) .. standing())
  end
end

local place, dimension, left_h, left_l, longest
local function obstacle(i, of, h_left, l_left, waits)
  if not longest or waits > longest then
    place, dimension, left_h, left_l, longest = i, of, h_left, l_left, waits
  end
end
local function small(i, of, limit, used, ask, rates)
  local left = limit - used
  if left < 0 then left = 0 end
  local waits = ask > limit and NEVER or (rates and wait(held[i], used, rates, limit - ask) or SECOND)
  obstacle(i, of, floor(left / HALF), left % HALF, waits)
end
local function money(i, of, lh, ll, sh, sl, hh, hl, ends)
  local uh, ul = plus(sh, sl, hh, hl)
  local rh, rl = minus(lh, ll, uh, ul)
  if more(h, l, rh, rl) then
    local waits = NEVER
    if not more(h, l, lh, ll) then
      local most_h, most_l = minus(lh, ll, h, l)
      waits = more(sh, sl, most_h, most_l) and ends or SECOND
    end
    obstacle(i, of, rh, rl, waits)
  end
end
local costs = h * HALF + l
for i = 1, many do
  local mask, rpm, tpm, slots, dl, dh, ml, mh = unpack('<I1I8I8I8I4I4I4I4', argument, limits[i])
  if mask > 0 then
    local a = held[i]
    if a.r >= rpm and mask % 2 == 1 then small(i, 0, rpm, a.r, 1, 1) end
    if a.t + tokens > tpm and tokens > 0 and mask % 4 >= 2 then small(i, 1, tpm, a.t, tokens, 2) end
    if a.s >= slots and mask % 8 >= 4 then small(i, 2, slots, a.s, 1) end
    -- What costs nothing is in nobody's way. Sums below 2^53 are exact as they are; those
    -- above, and those that do not fit, are looked at in halves.
    if mask >= 8 and costs > 0 then
      if mask % 16 >= 8 then
        if a.d ~= day then turn_day(a, day) end
        local sum = (a.dsh + a.dhh) * HALF + a.dsl + a.dhl + costs
        if sum >= NEVER or sum > dh * HALF + dl then
          money(i, 3, dh, dl, a.dsh, a.dsl, a.dhh, a.dhl, day_ends - now)
        end
      end
      if mask >= 16 then
        if a.m ~= month then turn_month(a, month) end
        local sum = (a.msh + a.mhh) * HALF + a.msl + a.mhl + costs
        if sum >= NEVER or sum > mh * HALF + ml then
          money(i, 4, mh, ml, a.msh, a.msl, a.mhh, a.mhl, month_ends - now)
        end
      end
    end
  end
end
if longest then
  -- Nothing was taken; only time has passed.
  save()
  return answer('R' .. pack('<I2I1I4I4i8', place, dimension, left_l, left_h, longest) .. standing())
end

local due = now + lease
local list, taken, many_names = {}, {}, 0
for i = 1, many do
  local name, a = listed[i], held[i]
  -- A subject that is named twice is taken once.
  if not taken[name] then
    many_names = many_names + 1
    list[many_names], taken[name], changed[name] = pack('<I2', #name) .. name, true, true
    count(a, hold_tokens)
    a.s = a.s + 1
    hold(a, day, month, hold_h, hold_l)
  end
end
if open == 0 then touch = true end
open, seq = open + 1, seq + 1
if due < next_due then next_due = due end
call('ZADD', D, due, id)
save('r' .. id, pack(RESERVED, OPEN, due, now, day, month, hold_tokens, hold_l, hold_h, many_names)
  .. table.concat(list, '', 1, many_names))
return answer('A' .. pack('<i8i8', now, due) .. standing())
