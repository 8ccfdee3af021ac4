-- The counters of some subjects.
local why = begin(call('HGET', C, 'm'))
if why then return why end
local many, list
many, pos = unpack('<I2', ARGV[1], pos)
list, pos = names(ARGV[1], pos, many)
fetch(list)
local said = {}
for i = 1, many do
  local a = account(list[i])
  local d, m = a.d == day, a.m == month
  said[i] = pack('<I8I8I8I4I4I4I4I4I4I4I4', a.r, a.t, a.s, d and a.dsl or 0, d and a.dsh or 0,
    d and a.dhl or 0, d and a.dhh or 0, m and a.msl or 0, m and a.msh or 0, m and a.mhl or 0,
    m and a.mhh or 0)
end
save()
return answer(pack('<I2', many) .. table.concat(said))
