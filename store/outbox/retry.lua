-- Puts a refused entry back. KEYS: where refused entries are kept, the stream, how many entries each
-- group has there. ARGV: id, the sealed bytes to put, group, entries that it may have. Returns 1; 0 when
-- somebody else had taken it out; -1 when the group has all that it may.
local refused, stream, own, group = KEYS[1], KEYS[2], KEYS[3], ARGV[3]
if #redis.call('XRANGE', refused, ARGV[1], ARGV[1]) == 0 then
    return 0
end
local count = tonumber(redis.call('HGET', own, group) or 0) or 0
if math.min(count, redis.call('XLEN', stream)) >= tonumber(ARGV[4]) then
    return -1
end
redis.call('XADD', stream, '*', 'sealed', ARGV[2])
redis.call('HSET', own, group, math.max(count, 0) + 1)
redis.call('XDEL', refused, ARGV[1])
return 1
