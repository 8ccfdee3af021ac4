-- The limits have changed: whoever knows older ones must read them again.
local why = begin(call('HGET', C, 'm'))
if why then return why end
version = version + 1
save()
return answer('')
