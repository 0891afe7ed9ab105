-- Saves a session if its version is still the expected one, and its mark beside it unless that stays.
-- KEYS: session, and mark if it is to change. ARGV: expected version ('' for none), value, its life in ms, mark, its life.
-- An empty value or mark is deleted. Returns 1, or 0 when the version is another.
if redis.call('GETRANGE', KEYS[1], 0, 12) ~= ARGV[1] then
    return 0
end
-- The session last: what Redis refuses before it has changed nothing that counts.
for i = #KEYS, 1, -1 do
    local value = ARGV[2 * i]
    if value == '' then
        redis.call('DEL', KEYS[i])
    else
        redis.call('SET', KEYS[i], value, 'PX', ARGV[2 * i + 1])
    end
end
return 1
