-- Puts a reply into its stream, once; the person's newest one is on its way then.
-- KEYS: what marks the reply as put, the stream, the newest.
-- ARGV: the mark's life in ms, entries that the stream may hold, whose reply it is, its sealed bytes.
-- Returns 1 when it was put, 2 when it had been put before, 0 when the stream is full.
if redis.call('EXISTS', KEYS[1]) == 1 then
    return 2
end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[2]) then
    return 0
end
local id = redis.call('XADD', KEYS[2], '*', 'who', ARGV[3], 'sealed', ARGV[4])
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
redis.call('SET', KEYS[3], id, 'PX', ARGV[1])
return 1
