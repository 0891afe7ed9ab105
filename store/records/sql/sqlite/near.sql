-- Parameters as in claim.sql; of $13 the part that says nothing equals none. Of the newest 200 that she asked
-- for, as far as the records still know it, one that is near; none when she asked for exactly these answers.
-- Which one does not depend on who registered it first: the row of the least hash, by min(), for a sort
-- makes a table of its own whether it sorts or not.
SELECT uic_code, 0, 0, hash
FROM (SELECT uic_code, min(input_hash) AS hash
      FROM (SELECT record FROM uic_asked WHERE who = $14 ORDER BY record DESC LIMIT 200)
          CROSS JOIN uic_records ON id = record
      WHERE (substr(near, 1, 10) = substr($13, 1, 10) OR substr(near, 11, 10) = substr($13, 11, 10)
             OR substr(near, 21, 10) = substr($13, 21, 10) OR substr(near, 31, 10) = substr($13, 31, 10)
             OR substr(near, 41) = substr($13, 41))
          AND instr(asked_by, substr($6, 1, 11))
          AND NOT EXISTS (SELECT 1 FROM uic_records AS own WHERE own.input_hash = $1
              AND (own.user_id = $8 OR instr(coalesce(own.asked_by, ''), substr($6, 1, 11))
                   OR (((own.user_id IS NULL AND own.phone_number = $3)
                        OR instr(coalesce(own.asked_by, ''), $9))
                       AND own.id <= $12))))
WHERE hash IS NOT NULL
