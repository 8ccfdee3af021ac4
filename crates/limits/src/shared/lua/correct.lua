-- Compares with the durable ledger. While nothing is under way, and nothing was since the
-- ledger was read, what it says is what was spent. Else no less than it says is used. What was
-- in doubt when the reading began is in the ledger, or was never spent; unless its node was late
-- only, and takes it up again. Until it was exact, the org stays marked.
local expected, many
expected, many, pos = unpack('<I8I4', ARGV[1], pos)
local read_at = at
local why = begin(call('HGET', C, 'm'))
if why then return why end
local doubts, later, p = call('HGET', C, 'u') or '', {}, 1
local waited = here() - (tonumber(call('HGET', C, 'w')) or 0) >= GATHER
while p <= #doubts do
  local id
  id, p = unpack('<I2c0', doubts, p)
  local text = call('HGET', C, 'r' .. id)
  local r = text and reserved(text)
  if r and r.state == DOUBT then
    if waited and r.due - LATE <= read_at then
      believe(id, r)
    else
      later[#later + 1] = pack('<I2', #id) .. id
    end
  end
end
if #later > 0 then call('HSET', C, 'u', table.concat(later)) else call('HDEL', C, 'u') end
local exact = false
if at_day == day and at_month == month then
  exact = open == 0 and seq == expected
  local told = {}
  for _ = 1, many do
    local name, dl, dh, ml, mh
    name, dl, dh, ml, mh, pos = unpack('<I2c0I4I4I4I4', ARGV[1], pos)
    local a = account(name)
    told[name], changed[name] = true, true
    turn_day(a, day)
    turn_month(a, month)
    if exact then
      a.dsh, a.dsl, a.msh, a.msl = dh, dl, mh, ml
    else
      -- Calls under way may be in the ledger already, and are held as well.
      local h, l = minus(dh, dl, a.dhh, a.dhl)
      if more(h, l, a.dsh, a.dsl) then a.dsh, a.dsl = h, l end
      h, l = minus(mh, ml, a.mhh, a.mhl)
      if more(h, l, a.msh, a.msl) then a.msh, a.msl = h, l end
    end
  end
  if exact then
    for _, field in ipairs(call('HKEYS', C)) do
      local name = sub(field, 2)
      if sub(field, 1, 1) == 'a' and not told[name] then
        local a = account(name)
        if a.dsh + a.dsl + a.msh + a.msl > 0 then
          a.dsh, a.dsl, a.msh, a.msl, changed[name] = 0, 0, 0, 0, true
        end
      end
    end
  end
end
dirty = exact and #later == 0 and 0 or 1
save()
return answer('')
