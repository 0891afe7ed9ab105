-- Forgets consumers that have nothing pending and were idle for long. KEYS: the stream.
-- ARGV: group, ms. Returns how many.
local forgotten = 0
if redis.call('EXISTS', KEYS[1]) == 0 then
    return forgotten
end
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
for _, pairs in ipairs(consumers) do
    local consumer = {}
    for i = 1, #pairs, 2 do
        consumer[pairs[i]] = pairs[i + 1]
    end
    if consumer.pending == 0 and consumer.idle > tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
        forgotten = forgotten + 1
    end
end
return forgotten
