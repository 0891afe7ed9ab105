-- $1 behind and $2 up to this id; which of near's hashes is $3 of all sounds, $4 to $6 without place, year and
-- day, or -1; $7 1: what stands before the code's last hyphen is of the answers. A hash that eight records have
-- says nothing of a ninth.
WITH kinds (kind, at) AS (
    VALUES (0, CAST($3 AS integer)), (1, CAST($4 AS integer)), (2, CAST($5 AS integer)),
        (3, CAST($6 AS integer)), (4, CAST($7 AS integer) - 1)
), parts AS (
    SELECT id, kind, CASE kind
        WHEN 4 THEN substr(sha256(convert_to(rtrim(uic_code, replace(uic_code, '-', '')), 'UTF8')), 1, 5)
        ELSE substr(near, 5 * at + 1, 5) END AS hash
    FROM uic_records CROSS JOIN kinds
    WHERE id > $1 AND id <= $2 AND near IS NOT NULL AND at >= 0
), ranked AS (
    SELECT id, kind, hash, row_number() OVER (PARTITION BY kind, hash ORDER BY id) + (
        SELECT count(*) FROM (
            SELECT FROM uic_near AS n WHERE n.hash = parts.hash AND n.kind = parts.kind LIMIT 8) AS others
        ) AS place
    FROM parts
)
INSERT INTO uic_near (record, kind, hash) SELECT id, kind, hash FROM ranked WHERE place <= 8
ON CONFLICT DO NOTHING
