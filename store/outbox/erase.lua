-- Takes an entry out of a stream, or puts another in its place, at the stream's end. KEYS: the stream.
-- ARGV: group, id, the new sealed bytes or ''. Returns 1, or 0 when somebody else had taken it out.
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then
    return 0
end
if ARGV[3] ~= '' then
    local fields = entry[2]
    for i = 1, #fields, 2 do
        if fields[i] == 'sealed' then
            fields[i + 1] = ARGV[3]
        end
    end
    redis.call('XADD', KEYS[1], '*', unpack(fields))
end
redis.pcall('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
