-- Renews an owner's leases, takes free partitions up to its share, and looks at all of them.
-- KEYS: the prefix of all names. ARGV: owner, a lease's life in ms, whether to take ('1' or '0'),
-- then for each partition '1', or '0' to give it back.
-- Returns: the owner's share, age of the oldest reply in ms, then for each partition whether it is
-- the owner's (1 or 0) and how many replies wait there.
local prefix, owner, life, take = KEYS[1], ARGV[1], ARGV[2], ARGV[3] == '1'
local partitions = #ARGV - 3
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Everybody who takes partitions stands here, with the time when he counts as dead.
local owners = prefix .. ':owners'
if take then
    redis.call('ZADD', owners, now + tonumber(life), owner)
else
    redis.call('ZREM', owners, owner)
end
redis.call('ZREMRANGEBYSCORE', owners, '-inf', now)
local share = take and math.ceil(partitions / redis.call('ZCARD', owners)) or 0

local held, mine, free = 0, {}, {}
for n = 1, partitions do
    local lease = prefix .. ':owner:' .. (n - 1)
    local holder = redis.call('GET', lease)
    mine[n] = 0
    if holder == owner and ARGV[n + 3] == '1' then
        redis.call('PEXPIRE', lease, life)
        held, mine[n] = held + 1, 1
    elseif holder == owner then
        redis.call('DEL', lease)
    elseif not holder then
        free[#free + 1] = n
    end
end
for _, n in ipairs(free) do
    if held < share then
        redis.call('SET', prefix .. ':owner:' .. (n - 1), owner, 'PX', life)
        held, mine[n] = held + 1, 1
    end
end

local oldest = now
local result = {share, 0}
for n = 1, partitions do
    local stream = prefix .. ':' .. (n - 1)
    result[#result + 1] = mine[n]
    result[#result + 1] = redis.call('XLEN', stream)
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    if first then
        oldest = math.min(oldest, tonumber(string.match(first[1], '^%d+')))
    end
end
result[2] = now - oldest
return result
