-- Notes that a reply was sent, if it is the one that was put last for its person.
-- KEYS: the newest. ARGV: the reply's id in its stream, what is to be known of it. Returns 1 or 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
