-- Forgets what no longer matters of some accounts, and says the names of what does, and where
-- the next ones are. A name may be said twice.
local why = begin(call('HGET', C, 'm'))
if why then return why end
local from = unpack('<I2c0', ARGV[1], pos)
local page = call('HSCAN', C, from, 'MATCH', 'a*', 'COUNT', PIECE)
local said, n, fields = {}, 0, page[2]
for i = 1, #fields, 2 do
  local name = sub(fields[i], 2)
  local a = accounts[name] or read(fields[i + 1])
  local money = (a.d == day and a.dsh + a.dsl + a.dhh + a.dhl or 0)
    + (a.m == month and a.msh + a.msl + a.mhh + a.mhl or 0)
  if a.s > 0 or a.b ~= '' or money > 0 then
    n = n + 1
    said[n] = pack('<I2', #name) .. name
  else
    call('HDEL', C, fields[i])
    changed[name] = nil
  end
end
save()
return answer(pack('<I2', #page[1]) .. page[1] .. pack('<I2', n) .. table.concat(said))
