-- Puts a reply behind the others of its person, once; the person's newest one is on its way then.
-- KEYS: the prefix of all names. ARGV: whose it is, its key, its token, the reply, how many may wait,
-- for how long in ms the key is known, how far ahead in ms a person may be.
-- Returns 1 when it was put, 2 when it had been put before, 0 when too many wait.
local queue, who, token = KEYS[1], ARGV[1], ARGV[3]
local put = queue .. ':put:' .. ARGV[2]
if redis.call('EXISTS', put) == 1 then
    return 2
end
if redis.call('ZCARD', queue .. ':ages') >= tonumber(ARGV[5]) then
    return 0
end
local time, behind = redis.call('TIME'), redis.call('HGET', queue .. ':clock', 'behind') or 0
local now = math.floor((time[1] * 1000000 + time[2] + behind) / 1000) -- take.lua keeps that clock
local ahead = tonumber(ARGV[7])
redis.call('RPUSH', queue .. ':of:' .. who, ARGV[4])
redis.call('ZADD', queue .. ':ages', now, token)
redis.call('SET', put, '', 'PX', ARGV[6])
redis.call('SET', queue .. ':newest:' .. who, token, 'PX', ARGV[6])
local paid = tonumber(redis.call('GET', queue .. ':paid:' .. who) or 0)
local due = math.max(now, math.min(paid - ahead, now + ahead))
redis.call('ZADD', queue .. ':due', 'NX', due * 1000, who)
return 1
