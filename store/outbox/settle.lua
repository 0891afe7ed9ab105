-- Takes entries out of the stream for good. KEYS: the stream, where refused entries are kept, how many
-- entries each group has in the stream. ARGV: group, most entries to keep there, then for each entry its
-- id and why it was refused, '' when it was written, or 'foreign': it stays in the stream for another
-- group. Returns for each 1, or 0 when somebody else had taken it out.
local result, gone = {}, 0
for i = 3, #ARGV, 2 do
    local id, why = ARGV[i], ARGV[i + 1]
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    if entry and why ~= '' and why ~= 'foreign' then
        redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], '*', entry[2][1], entry[2][2], 'why', why,
                   'id', id)
    end
    redis.call('XACK', KEYS[1], ARGV[1], id)
    if why ~= 'foreign' then
        gone = gone + redis.call('XDEL', KEYS[1], id)
    end
    result[#result + 1] = entry and 1 or 0
end
local count = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0) or 0
if count > gone then
    redis.call('HSET', KEYS[3], ARGV[1], count - gone)
elseif count ~= 0 then
    redis.call('HDEL', KEYS[3], ARGV[1])
end
return result
