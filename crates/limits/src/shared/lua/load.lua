-- Takes over what the durable ledger says was spent in the day and month of the asking node.
-- `fresh`: only if the org is not there yet. `gathers`: for so long nodes may still hold money
-- that is not known here, because the store has lost it. Comes in pieces: the org is there with
-- the last one (2), and whoever brings the first one (1) has it to itself, until somebody else does.
local new_gen, new_version, fresh, gathers, piece, many
new_gen, new_version, fresh, gathers, piece, many, pos = unpack('<c8I8I1I8I1I4', ARGV[1], pos)
local state = call('HGET', C, 'm')
local known = is_of_this_run(state)
if known then
  local why = begin(state)
  if why then return why end
elseif fresh == 0 then
  return 'L'
else
  if ahead_max >= 0 then
    local believed = here() + ahead_max
    if at > believed then return 'T' .. pack('<i8', believed) end
  end
  if piece % 2 == 1 then
    -- What a store has of another run is old: calls that began since are under way unknown to it.
    if state then gathers = math.max(gathers, GATHER) end
    -- Who began before and stopped half way may have known what this one does not.
    local begun = call('HGET', C, 'l')
    if begun then
      gathers = math.max(gathers, sub(begun, 9, 16) == run and unpack('<I8', begun, 17) or GATHER)
    end
    call('UNLINK', C, D)
    call('HSET', C, 'l', new_gen .. run .. pack('<I8', gathers))
    call('PEXPIRE', C, FORGET_MS)
  end
  local ours = call('HGET', C, 'l')
  if not ours or sub(ours, 1, 16) ~= new_gen .. run then return 'L' end
  gathers = unpack('<I8', ours, 17)
  now, day, month, day_ends, month_ends = at, at_day, at_month, at_day_ends, at_month_ends
  next_due, open, seq, version, dirty, gen, touch = NEVER, 0, 0, new_version, fresh, new_gen, true
  gather = gathers > 0 and here() + gathers or 0
end
if not known or fresh == 0 then
  for _ = 1, many do
    local name, dl, dh, ml, mh
    name, dl, dh, ml, mh, pos = unpack('<I2c0I4I4I4I4', ARGV[1], pos)
    local a = account(name)
    if turn_day(a, at_day) then a.dsh, a.dsl = dh, dl end
    if turn_month(a, at_month) then a.msh, a.msl = mh, ml end
    changed[name] = true
  end
end
if known or piece >= 2 then
  if not known then call('HDEL', C, 'l') end
  save()
else
  for name in pairs(changed) do call('HSET', C, 'a' .. name, written(accounts[name])) end
end
return answer('')
