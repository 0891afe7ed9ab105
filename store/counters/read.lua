-- Sums of the figures.
-- KEYS: instances, the days, today's first, then the buckets of what is where.
-- ARGV: for how many ms instances are kept, how many at most, how many days, how many fields, the
-- fields, the steps.
-- Returns four lists: today by field, all days by field, by step, and instances: their line and for
-- how many ms they were not heard of, in turn.
local days, fields = tonumber(ARGV[3]), tonumber(ARGV[4])

local function sums(first, last, from, to)
    local sum = {}
    for i = 1, to - from + 1 do
        sum[i] = 0
    end
    for key = first, last do
        local values = to >= from and redis.call('HMGET', KEYS[key], unpack(ARGV, from, to)) or {}
        for i = 1, #values do
            sum[i] = sum[i] + (tonumber(values[i] or 0) or 0)
        end
    end
    return sum
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local instances = {}
local heard = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', now - ARGV[1], 'WITHSCORES', 'LIMIT', 0,
    ARGV[2])
for i = 1, #heard, 2 do
    instances[i] = heard[i]
    instances[i + 1] = math.max(0, now - heard[i + 1])
end
return {
    sums(2, 2, 5, 4 + fields), sums(2, 1 + days, 5, 4 + fields),
    sums(2 + days, #KEYS, 5 + fields, #ARGV), instances,
}
