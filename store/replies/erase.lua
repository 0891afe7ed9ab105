-- Forgets a person. KEYS: the prefix of all names. ARGV: who, how long a token is.
local queue, who = KEYS[1], ARGV[1]
for _, reply in ipairs(redis.call('LRANGE', queue .. ':of:' .. who, 0, -1)) do
    redis.call('ZREM', queue .. ':ages', string.sub(reply, 1, tonumber(ARGV[2])))
end
redis.call('ZREM', queue .. ':due', who)
return redis.call('DEL', queue .. ':of:' .. who, queue .. ':newest:' .. who, queue .. ':paid:' .. who)
