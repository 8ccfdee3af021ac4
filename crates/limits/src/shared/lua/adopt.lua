-- Takes up calls that are under way already, unasked: the store has lost them, or was away
-- when they began. Their tokens count from now on. What is there is held for another lease, also
-- if its own has ended unseen. What this life has known and knows no more is settled.
local why = begin(call('HGET', C, 'm'))
if why then return why end
local many, due, adopted = 0, now + lease, 0
many, pos = unpack('<I2', ARGV[1], pos)
for _ = 1, many do
  local id, tokens, l, h, its_gen, of_day, of_month, subjects, list
  id, tokens, l, h, its_gen, of_day, of_month, subjects, pos =
    unpack('<I2c0I8I4I4c8i4i4I2', ARGV[1], pos)
  local from = pos
  list, pos = names(ARGV[1], pos, subjects)
  local text = call('HGET', C, 'r' .. id)
  local r = text and reserved(text)
  if r and r.state ~= DONE then
    if r.state ~= OPEN then
      for _, name in ipairs((names(text, r.p, r.many))) do
        local a = account(name)
        a.s = a.s + 1
        if r.state == LAPSED then hold(a, r.d, r.m, r.h, r.l) end
        changed[name] = true
      end
      open, seq, dirty, touch = open + 1, seq + 1, 1, true
    end
    call('HSET', C, 'r' .. id, pack('<I1i8', OPEN, due) .. sub(text, 10))
    call('ZADD', D, due, id)
    if due < next_due then next_due = due end
  elseif not r and its_gen ~= gen then
    for _, name in ipairs(list) do
      local a = account(name)
      count(a, tokens)
      a.s = a.s + 1
      hold(a, of_day, of_month, h, l)
      changed[name] = true
    end
    call('HSET', C, 'r' .. id, pack(RESERVED, OPEN, due, now, of_day, of_month, tokens, l, h, subjects)
      .. sub(ARGV[1], from, pos - 1))
    call('ZADD', D, due, id)
    if due < next_due then next_due = due end
    open, seq, dirty, touch, adopted = open + 1, seq + 1, 1, true, adopted + 1
  end
end
save()
return answer(pack('<I2', adopted))
