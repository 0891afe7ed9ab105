-- Takes entries out of the stream for good. KEYS: the stream, where refused entries are kept.
-- ARGV: group, most entries to keep there, then for each entry its id and why it was refused, ''
-- when it was written, or 'foreign': it stays in the stream for another group. Returns for each 1, or
-- 0 when somebody else had taken it out.
local result = {}
for i = 3, #ARGV, 2 do
    local id, why = ARGV[i], ARGV[i + 1]
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    if entry and why ~= '' and why ~= 'foreign' then
        redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], '*', entry[2][1], entry[2][2], 'why', why,
                   'id', id)
    end
    redis.call('XACK', KEYS[1], ARGV[1], id)
    if why ~= 'foreign' then
        redis.call('XDEL', KEYS[1], id)
    end
    result[#result + 1] = entry and 1 or 0
end
return result
