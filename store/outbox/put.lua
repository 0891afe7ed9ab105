-- Puts an entry into the stream. KEYS: the stream, how many entries each group has there. ARGV: group,
-- entries that it may have, the sealed entry. Returns how many the stream holds now, or 0 when the group
-- has all that it may, and nothing was put. What other groups have does not count.
local stream, own, group = KEYS[1], KEYS[2], ARGV[1]
local length = redis.call('XLEN', stream)
local count = tonumber(redis.call('HGET', own, group) or 0) or 0
if math.min(count, length) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('XADD', stream, '*', 'sealed', ARGV[3])
redis.call('HSET', own, group, math.max(count, 0) + 1)
return length + 1
