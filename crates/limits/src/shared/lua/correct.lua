-- Compares with the durable ledger. While nothing is under way, and nothing was since the
-- ledger was read, what it says is what was spent. Else no less than it says is used.
local expected, many
expected, many, pos = unpack('<I8I4', ARGV[1], pos)
local why = begin(call('HGET', C, 'm'))
if why then return why end
local exact = open == 0 and seq == expected
if at_day == day and at_month == month then
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
    dirty = 0
  end
end
save()
return answer('')
