-- Takes over what the durable ledger says was spent in the day and month of the asking node.
-- `first`: only if the org is not there yet. `gathers`: for so long nodes may still hold money
-- that is not known here, because the store has lost it.
local new_gen, new_version, first, gathers, many
new_gen, new_version, first, gathers, many, pos = unpack('<c8I8I1I8I4', ARGV[1], pos)
local state = call('HGET', C, 'm')
local known = is_of_this_run(state)
if known then
  local why = begin(state)
  if why then return why end
elseif first == 0 then
  return 'L'
else
  if ahead_max >= 0 then
    local believed = here() + ahead_max
    if at > believed then return 'T' .. pack('<i8', believed) end
  end
  -- What a store has of another run is old: calls that began since are under way unknown to it.
  if state then gathers = math.max(gathers, GATHER) end
  call('DEL', C, D)
  now, day, month, day_ends, month_ends = at, at_day, at_month, at_day_ends, at_month_ends
  next_due, open, seq, version, dirty, gen, touch = NEVER, 0, 0, new_version, first, new_gen, true
  gather = gathers > 0 and here() + gathers or 0
end
if not known or first == 0 then
  for _ = 1, many do
    local name, dl, dh, ml, mh
    name, dl, dh, ml, mh, pos = unpack('<I2c0I4I4I4I4', ARGV[1], pos)
    local a = account(name)
    if turn_day(a, at_day) then a.dsh, a.dsl = dh, dl end
    if turn_month(a, at_month) then a.msh, a.msl = mh, ml end
    changed[name] = true
  end
end
save()
return answer('')
