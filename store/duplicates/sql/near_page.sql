-- $1 the highest id, $2 how many records with near but one. From where the last step ended: there, where
-- this one ends (NULL: there is nothing to do), and the newest record.
WITH done (id) AS (
    SELECT coalesce((SELECT CAST(value AS bigint) FROM uic_marks WHERE name = 'near_end'), 0)
), page AS (
    SELECT id, near FROM uic_records
    WHERE id > (SELECT id FROM done) AND id <= CAST($1 AS bigint) ORDER BY id LIMIT 5000
)
SELECT (SELECT id FROM done),
    coalesce((SELECT id FROM page WHERE near IS NOT NULL ORDER BY id LIMIT 1 OFFSET CAST($2 AS bigint)),
             (SELECT max(id) FROM page)),
    (SELECT max(id) FROM uic_records)
