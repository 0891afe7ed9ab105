-- $1 the highest id. From where the last step ended: there, where this one ends at the latest, so that it
-- looks at 5,000 records and compares 500 (NULL: there is nothing to do), and the newest record.
WITH done (id) AS (
    SELECT coalesce((SELECT CAST(value AS bigint) FROM uic_marks WHERE name = 'near_end'), 0)
), page (last) AS (
    SELECT max(id) FROM (
        SELECT id FROM uic_records WHERE id > (SELECT id FROM done) AND id <= CAST($1 AS bigint)
        ORDER BY id LIMIT 5000) AS looked
)
SELECT (SELECT id FROM done),
    coalesce((SELECT id FROM uic_records
              WHERE id > (SELECT id FROM done) AND id <= (SELECT last FROM page) AND near IS NOT NULL
              ORDER BY id LIMIT 1 OFFSET 499),
             (SELECT last FROM page)),
    (SELECT max(id) FROM uic_records)
