-- $1 who asks, without what separates and without the message; $2 what near records are found by, of which
-- the part that says nothing equals none; $3 hash of the answers; $4 to $7 as $8, $9, $10 and $3 of
-- claim.sql. Of the newest 200 that she asked for, as far as the records still know it, one that is near;
-- none when she asked for exactly these answers. Which one does not depend on who registered it first:
-- the row of the least hash, by min(), for a sort makes a table of its own whether it sorts or not.
WITH number AS (
    SELECT CASE WHEN EXISTS (SELECT 1 FROM uic_records WHERE phone_number = $7 AND user_id <> coalesce($4, ''))
        THEN -1 ELSE coalesce((SELECT min(iif(user_id IS $4, up_to, -1)) FROM uic_links WHERE number = $6),
                              9223372036854775807) END AS up_to
)
SELECT uic_code, 0, 0, hash
FROM (SELECT uic_code, min(input_hash) AS hash
      FROM (SELECT record FROM uic_asked WHERE who = $1 ORDER BY record DESC LIMIT 200)
          CROSS JOIN uic_records ON id = record
      WHERE (substr(near, 1, 10) = substr($2, 1, 10) OR substr(near, 11, 10) = substr($2, 11, 10)
             OR substr(near, 21, 10) = substr($2, 21, 10) OR substr(near, 31, 10) = substr($2, 31, 10)
             OR substr(near, 41) = substr($2, 41))
          AND instr(asked_by, ' ' || $1)
          AND NOT EXISTS (SELECT 1 FROM uic_records AS own WHERE own.input_hash = $3
              AND (own.user_id = $4 OR instr(coalesce(own.asked_by, ''), ' ' || $1)
                   OR (((own.user_id IS NULL AND own.phone_number = $7)
                        OR instr(coalesce(own.asked_by, ''), $5))
                       AND own.id <= (SELECT up_to FROM number)))))
WHERE hash IS NOT NULL
