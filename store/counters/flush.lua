-- Counts a link's flush, once, and hears that its instance lives.
-- KEYS: the link's last sequence, instances, then the hashes that the flush adds to.
-- ARGV: sequence, instance ('' for none), for how many ms instances are kept, then for each hash: its
-- life in seconds, how many fields, and each field and what is added to it.
-- Returns 1, or 0 when this sequence was counted before.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] ~= '' then
    redis.call('ZADD', KEYS[2], now, ARGV[2])
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
if #KEYS == 2 then
    return 1
end
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', 3600)
local at = 4
for i = 3, #KEYS do
    for pair = 1, tonumber(ARGV[at + 1]) do
        redis.call('HINCRBY', KEYS[i], ARGV[at + 2 * pair], ARGV[at + 2 * pair + 1])
    end
    redis.call('EXPIRE', KEYS[i], ARGV[at])
    at = at + 2 + 2 * tonumber(ARGV[at + 1])
end
return 1
