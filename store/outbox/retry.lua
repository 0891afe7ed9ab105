-- Puts a refused entry back. KEYS: where refused entries are kept, the stream. ARGV: id, the sealed
-- bytes to put, entries that the stream may hold. Returns 1; 0 when somebody else had taken it out;
-- -1 when the stream is full.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
    return 0
end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[3]) then
    return -1
end
redis.call('XADD', KEYS[2], '*', 'sealed', ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
