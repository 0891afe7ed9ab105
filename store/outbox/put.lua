-- Puts an entry into the stream. KEYS: the stream. ARGV: entries it may hold, the sealed entry.
-- Returns how many it holds now, or 0 when it is full and nothing was put.
local length = redis.call('XLEN', KEYS[1])
if length >= tonumber(ARGV[1]) then
    return 0
end
redis.call('XADD', KEYS[1], '*', 'sealed', ARGV[2])
return length + 1
