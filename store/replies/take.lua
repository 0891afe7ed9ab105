-- Takes the first reply of each person who is due, with a lease: until it ends nobody else gets it.
-- KEYS: the prefix of all names. ARGV: most replies, a lease in ms, replies in any second (0: as many
-- as there are).
-- Returns how many wait, how long the oldest does in ms, in how many ms to come again, when the lease
-- ends, and then for each taken whose it is and the reply.
local queue, most, rate = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[3])
local due, ages, sent = queue .. ':due', queue .. ':ages', queue .. ':sent'
-- The queue's own clock: Redis's, which it stops while that one is set back, and then goes on from there.
-- No two scripts run in one microsecond.
local time, clock = redis.call('TIME'), queue .. ':clock'
local last = redis.call('HMGET', clock, 'at', 'behind')
local behind = tonumber(last[2] or 0)
local now_us = time[1] * 1000000 + time[2] + behind
if now_us < tonumber(last[1] or 0) then
    behind = behind + last[1] - now_us
    now_us = tonumber(last[1])
end
redis.call('HSET', clock, 'at', now_us, 'behind', behind)
local now, lease = math.floor(now_us / 1000), tonumber(ARGV[2])
local lease_end = now_us + lease * 1000

if redis.call('EXISTS', due) == 0 then
    redis.call('DEL', ages) -- of lists that somebody took away
end
local oldest = redis.call('ZRANGE', ages, 0, 0, 'WITHSCORES')[2] or now
local result = {redis.call('ZCARD', ages), math.max(0, now - oldest), lease, lease_end}

-- In how many ms there are fewer than so many in so many us. A second's worth is spread over its
-- tenths, so that on its way to Meta none catches up with those of the second before.
local function wait_for(count, us)
    local first = redis.call('LINDEX', sent, count - 1)
    local wait = first and first + us - now_us or 0
    return wait > 0 and wait <= us and math.ceil(wait / 1000) or 0
end
local function wait_for_rate()
    return rate == 0 and 0 or
        math.max(wait_for(rate, 1000000), wait_for(math.ceil(rate / 10), 100000))
end

for _, who in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now_us, 'LIMIT', 0, most)) do
    local reply = redis.call('LINDEX', queue .. ':of:' .. who, 0)
    if not reply then
        redis.call('ZREM', due, who)
    else
        if wait_for_rate() > 0 then
            break
        end
        redis.call('ZADD', due, lease_end, who)
        if rate > 0 then
            redis.call('LPUSH', sent, now_us)
            redis.call('LTRIM', sent, 0, rate - 1)
            redis.call('PEXPIRE', sent, 1000)
        end
        result[#result + 1], result[#result + 2] = who, reply
    end
end
local next_due = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
if next_due then
    result[3] = math.max(0, math.ceil((next_due - now_us) / 1000), wait_for_rate())
end
return result
