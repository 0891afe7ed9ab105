-- Looks at the stream and takes entries to write. KEYS: the stream, how many entries each group has
-- there, which is put right when it is known. ARGV: group, consumer, most entries to take (0: only look),
-- after how many idle ms another consumer counts as dead, bytes that an entry may have.
-- Returns: the time in ms, length, age of the oldest entry in ms, how many entries are left that are not
-- for this group (-1: not known), then an id and its sealed bytes for each entry taken; '' for bytes that
-- cannot be an entry.
local stream, own, group, consumer = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local room, dead_ms, size_max = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local length = redis.call('XLEN', stream)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if length == 0 then
    redis.call('DEL', own)
    return {now, 0, 0, 0}
end
local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1]
local result = {now, length, math.max(now - tonumber(string.match(first, '^%d+')), 0), -1}

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
    -- What was delivered later than now, because Redis's clock was set back, is delivered now: else the
    -- dead would not count as dead until that clock has caught up.
    for _, pending in ipairs(redis.call('XPENDING', stream, group, '-', '+', 1000)) do
        if pending[3] == 0 then
            redis.call('XCLAIM', stream, group, pending[2], 0, pending[1], 'JUSTID')
        end
    end
    take(redis.call('XAUTOCLAIM', stream, group, consumer, dead_ms, '0-0', 'COUNT', room)[2])
end
if room > 0 then
    local new = read('>')
    take(new and new[1][2] or {})
    if #result == 4 then
        local pending = redis.call('XPENDING', stream, group)[1]
        result[4] = length - pending
        if pending == 0 then
            redis.call('HDEL', own, group)
        else
            redis.call('HSET', own, group, pending)
        end
    end
end
return result
