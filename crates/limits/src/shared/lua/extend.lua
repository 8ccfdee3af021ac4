-- Holds reservations for another lease from now; `-1` for one that is not open.
local why = begin(call('HGET', C, 'm'))
if why then return why end
local many, list
many, pos = unpack('<I2', ARGV[1], pos)
list, pos = names(ARGV[1], pos, many)
local said, due = {}, now + lease
if many > 0 then
  local fields = { 'HMGET', C }
  for i = 1, many do fields[i + 2] = 'r' .. list[i] end
  local texts = call(spread(fields))
  local set, order, n = { 'HSET', C }, { 'ZADD', D }, 0
  for i = 1, many do
    local text = texts[i]
    if text and unpack('<I1', text) == OPEN then
      set[n + 3], set[n + 4] = 'r' .. list[i], pack('<I1i8', OPEN, due) .. sub(text, 10)
      order[n + 3], order[n + 4], n = due, list[i], n + 2
      said[i] = pack('<i8', due)
    else
      said[i] = pack('<i8', -1)
    end
  end
  if n > 0 then
    call(spread(set))
    call(spread(order))
  end
end
save()
return answer(pack('<I2', many) .. table.concat(said))
