-- Compares some accounts with the durable ledger. While nothing is under way, and nothing was
-- since the ledger was read, nor was it read anew, what it says is what was spent. Else no less
-- than it says is used.
-- What was in doubt when the reading began is in the ledger, or was never spent; unless its node
-- was late only, and takes it up again. It is given back in the step that says what was spent at
-- all that it names; names that are missing for that are answered, and whether there is less to
-- look at than before. Part 1 comes before the ledger is read, with a token that no other reading
-- has; with 2 all accounts were compared, and each exactly. Until then the org stays marked.
local expected, token, part, many
expected, token, part, many, pos = unpack('<I8c8I1I4', ARGV[1], pos)
local read_at, told = at, {}
for _ = 1, many do
  local name, dl, dh, ml, mh
  name, dl, dh, ml, mh, pos = unpack('<I2c0I4I4I4I4', ARGV[1], pos)
  told[name] = { dl, dh, ml, mh }
end
local why = begin(call('HGET', C, 'm'))
if why then return why end
if part % 2 == 1 then call('HSET', C, 'x', token) end
local same = at_day == day and at_month == month
local doubts, later, wanted, p, left = call('HGET', C, 'u') or '', {}, {}, 1, DOUBTS_MAX
local waited = here() - (tonumber(call('HGET', C, 'w')) or 0) >= GATHER
while p <= #doubts and left > 0 do
  local from, id = p, nil
  id, p = unpack('<I2c0', doubts, p)
  left = left - 1
  local text = call('HGET', C, 'r' .. id)
  local r = text and reserved(text)
  if r and r.state == DOUBT then
    local ends = same and waited and r.due - LATE <= read_at
    if ends then
      for _, name in ipairs((names(text, r.p, r.many))) do
        if not told[name] then ends, wanted[name] = false, true end
      end
    end
    if ends then believe(id, r) else later[#later + 1] = sub(doubts, from, p - 1) end
  end
end
local left_over = table.concat(later) .. sub(doubts, p)
local fewer = #left_over < #doubts
if left_over == '' then
  call('HDEL', C, 'u')
elseif fewer then
  call('HSET', C, 'u', left_over)
end
local exact = same and open == 0 and seq == expected and call('HGET', C, 'x') == token
if same then
  for name, spent in pairs(told) do
    local a = account(name)
    local dl, dh, ml, mh = spent[1], spent[2], spent[3], spent[4]
    changed[name] = true
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
end
if not exact then dirty = 1 elseif part >= 2 then dirty = left_over == '' and 0 or 1 end
save()
local said, n = {}, 0
for name in pairs(wanted) do
  n = n + 1
  said[n] = pack('<I2', #name) .. name
end
return answer(pack('<I1I1I2', exact and 1 or 0, fewer and 1 or 0, n) .. table.concat(said))
