-- Takes the first reply of each person who is due, with a lease: until it ends nobody else gets it.
-- KEYS: the prefix of all names. ARGV: most replies, a lease in ms, replies in any second (0: as many
-- as there are), a list's life in ms, the longest that anybody is put off in ms.
-- Returns how many wait, how long the oldest does in ms, in how many ms to come again (-1: nothing
-- waits), when the lease ends, and then for each taken whose it is and the reply.
local queue, most, rate = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[3])
local due, ages, sent = queue .. ':due', queue .. ':ages', queue .. ':sent'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease_end = now + tonumber(ARGV[2])

redis.call('ZREMRANGEBYSCORE', ages, '-inf', now - tonumber(ARGV[4])) -- their lists have ended
local oldest = redis.call('ZRANGE', ages, 0, 0, 'WITHSCORES')[2] or now
local result = {redis.call('ZCARD', ages), math.max(0, now - oldest), -1, lease_end}

-- Whoever is due later than can be was put off before this clock was set back.
for _, who in ipairs(redis.call('ZRANGEBYSCORE', due, now + tonumber(ARGV[5]), '+inf',
                                'LIMIT', 0, 100)) do
    redis.call('ZADD', due, now, who)
end

-- The list of what was sent holds so many times as a second may have replies: 0 when the last of
-- them is a second old, else how long until it is.
local function wait_for_rate()
    local first = rate > 0 and redis.call('LINDEX', sent, rate - 1)
    local since = first and now - first or 1000
    return since >= 0 and since < 1000 and 1000 - since or 0
end

for _, who in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)) do
    local reply = redis.call('LINDEX', queue .. ':of:' .. who, 0)
    if not reply then
        redis.call('ZREM', due, who)
    else
        if wait_for_rate() > 0 then
            break
        end
        redis.call('ZADD', due, lease_end, who)
        if rate > 0 then
            redis.call('LPUSH', sent, now)
            redis.call('LTRIM', sent, 0, rate - 1)
            redis.call('PEXPIRE', sent, 1000)
        end
        result[#result + 1], result[#result + 2] = who, reply
    end
end
local next_due = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
if next_due then
    result[3] = math.max(0, next_due - now, wait_for_rate())
end
return result
