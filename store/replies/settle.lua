-- Ends what was taken: takes the reply out of its list, or puts it off. KEYS: the prefix of all names.
-- ARGV: whose it is, when its lease ends, its token, '' when it is over or for how long in ms it is
-- put off, what it is to end with in the list then, what a sent one costs its person in ms, how far
-- ahead in ms a person may be, under what the sent one is known or ''.
-- Only the very reply is taken out or has its attempts counted, whoever holds the lease by now; only who
-- holds it says when the person is due again. Returns whether it was held.
local queue, who, token, delay, ahead = KEYS[1], ARGV[1], ARGV[3], ARGV[4], tonumber(ARGV[7])
local due, list, newest = queue .. ':due', queue .. ':of:' .. who, queue .. ':newest:' .. who
local time, behind = redis.call('TIME'), redis.call('HGET', queue .. ':clock', 'behind') or 0
local now = math.floor((time[1] * 1000000 + time[2] + behind) / 1000) -- take.lua keeps that clock
local holds = tonumber(redis.call('ZSCORE', due, who) or 0) == tonumber(ARGV[2])
local reply = redis.call('LINDEX', list, 0)
local is_first = reply and string.sub(reply, 1, #token) == token
local paid = math.min(tonumber(redis.call('GET', queue .. ':paid:' .. who) or 0), now + ahead)

if is_first and delay == '' then
    redis.call('LPOP', list)
    redis.call('ZREM', queue .. ':ages', token)
    local cost = tonumber(ARGV[6])
    if cost > 0 then
        paid = math.max(now, paid) + cost
        redis.call('SET', queue .. ':paid:' .. who, paid, 'PX', paid - now)
    end
    if ARGV[8] ~= '' and redis.call('GET', newest) == token then
        redis.call('SET', newest, ARGV[8], 'KEEPTTL')
    end
elseif is_first then
    redis.call('LSET', list, 0, string.sub(reply, 1, -#ARGV[5] - 1) .. ARGV[5])
end
if holds and redis.call('LLEN', list) == 0 then
    redis.call('ZREM', due, who)
elseif holds then
    local wait = is_first and tonumber(delay) or 0
    redis.call('ZADD', due, math.max(now + wait, paid - ahead) * 1000, who)
end
return holds and 1 or 0
