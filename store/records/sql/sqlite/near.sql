-- $1 who asks, without what separates and without the message; $2 what near records are found by, of which
-- the part that says nothing equals none; $3 hash of the answers. Of what she asked for, the newest 200, the
-- newest that is near; none when she asked for exactly these answers.
SELECT uic_code, 0, 0, input_hash
FROM (SELECT record FROM uic_asked WHERE who = $1 ORDER BY record DESC LIMIT 200)
    CROSS JOIN uic_records ON id = record
WHERE (substr(near, 1, 10) = substr($2, 1, 10) OR substr(near, 11, 10) = substr($2, 11, 10)
       OR substr(near, 21, 10) = substr($2, 21, 10) OR substr(near, 31, 10) = substr($2, 31, 10)
       OR substr(near, 41) = substr($2, 41))
    AND NOT EXISTS (SELECT 1 FROM uic_asked AS own WHERE own.who = $1
                    AND own.record = (SELECT id FROM uic_records WHERE input_hash = $3))
ORDER BY record DESC LIMIT 1
