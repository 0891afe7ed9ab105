-- Looks at the stream and takes entries to write. KEYS: the stream. ARGV: group, consumer, most
-- entries to take (0: only look), after how many idle ms another consumer counts as dead, bytes that
-- an entry may have.
-- Returns: length, age of the oldest entry in ms (without any, the time in ms), how many entries are
-- left that are not for this group (-1: not known), then an id and its sealed bytes for each entry
-- taken; '' for bytes that cannot be an entry.
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local room, dead_ms, size_max = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local length = redis.call('XLEN', stream)
local now = redis.call('TIME')
if length == 0 then
    return {0, now[1] * 1000 + math.floor(now[2] / 1000), 0}
end
local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1]
local age = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(string.match(first, '^%d+'))
local result = {length, math.max(age, 0), -1}

-- An entry without fields was deleted from outside while it was pending.
local function take(entries)
    for _, entry in ipairs(entries) do
        if entry and entry[2] then
            local sealed = entry[2][1] == 'sealed' and entry[2][2] or ''
            result[#result + 1] = entry[1]
            result[#result + 1] = #sealed <= size_max and sealed or ''
            room = room - 1
        elseif entry then
            redis.call('XACK', stream, group, entry[1])
        end
    end
end

local function read(from)
    return redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', stream,
                       from)
end

if room > 0 then
    local own = read('0')
    if own.err then
        redis.call('XGROUP', 'CREATE', stream, group, '0')
        own = read('0')
    end
    take(own[1][2])
end
if room > 0 then
    take(redis.call('XAUTOCLAIM', stream, group, consumer, dead_ms, '0-0', 'COUNT', room)[2])
end
if room > 0 then
    local new = read('>')
    take(new and new[1][2] or {})
    if #result == 3 then
        result[3] = length - redis.call('XPENDING', stream, group)[1]
    end
end
return result
