-- Forgets what no longer matters, and says the names of what does.
local why = begin(call('HGET', C, 'm'))
if why then return why end
local said, n = {}, 0
for _, field in ipairs(call('HKEYS', C)) do
  if sub(field, 1, 1) == 'a' then
    local name = sub(field, 2)
    local a = account(name)
    local money = (a.d == day and a.dsh + a.dsl + a.dhh + a.dhl or 0)
      + (a.m == month and a.msh + a.msl + a.mhh + a.mhl or 0)
    if a.s > 0 or a.b ~= '' or money > 0 then
      n = n + 1
      said[n] = pack('<I2', #name) .. name
    else
      call('HDEL', C, field)
      changed[name] = nil
    end
  end
end
save()
return answer(pack('<I4', n) .. table.concat(said))
