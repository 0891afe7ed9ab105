-- Saves a session if its version is still the expected one, and its mark beside it unless that stays.
-- KEYS: mark if it is to change, session. ARGV: expected version ('' for none), value, its life in ms, mark, its life.
-- An empty value or mark is deleted. Returns 1, or 0 when the version is another.
local session = KEYS[#KEYS]

local function save(key, value, life)
    if value == '' then
        redis.call('DEL', key)
    else
        redis.call('SET', key, value, 'PX', life)
    end
end

if redis.call('GETRANGE', session, 0, 20) ~= ARGV[1] then
    return 0
end
-- The session last: what Redis refuses before it has changed nothing that counts.
if #KEYS == 2 then
    save(KEYS[1], ARGV[4], ARGV[5])
end
save(session, ARGV[2], ARGV[3])
return 1
