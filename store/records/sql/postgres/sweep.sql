-- $1 the id to go on behind, $2 our clock, $3 the age, $4 whether to remove, $5 the newest record's
-- time so far; times in microseconds, since 1970.
--
-- Looks at a page of records and, when told so, removes those that are due. Of several instances that
-- sweep at once, one has its turn; the others find nothing.
WITH moment AS MATERIALIZED (
    SELECT least(timestamptz 'epoch' + $2::bigint * interval '1 microsecond', now()) AS at
), turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(7694692) AS is_ours
), page AS MATERIALIZED (
    SELECT id, last_requested_at,
        last_requested_at < (SELECT at FROM moment) - $3::bigint * interval '1 microsecond' AS is_due
    FROM uic_records
    WHERE id > $1::bigint AND CASE WHEN $4::integer = 1 THEN (SELECT is_ours FROM turn) ELSE true END
    ORDER BY id LIMIT 5000
), chosen AS MATERIALIZED (
    SELECT id FROM page WHERE $4 = 1 AND is_due ORDER BY id LIMIT 500
), gone AS (
    DELETE FROM uic_records
    WHERE id = ANY (ARRAY(SELECT id FROM chosen))
        AND last_requested_at < (SELECT at FROM moment) - $3 * interval '1 microsecond'
    RETURNING id
), noted AS (
    INSERT INTO uic_audit (at, action, records, author)
    SELECT now(), 'retention', count(*), 'server' FROM gone HAVING count(*) > 0
), unix AS MATERIALIZED (
    SELECT (extract(epoch FROM at) * 1000000)::bigint AS at FROM moment
), trusted AS (
    -- At the end of counting. By a day at most; it follows a clock back by thirty days at most: one
    -- that is slower than that is wrong.
    INSERT INTO uic_marks AS mark (name, value)
    SELECT 'retention_clock', least(at, $5::bigint)::text FROM unix
    WHERE $4 = 0 AND $1 > 0 AND NOT EXISTS (SELECT FROM page)
    ON CONFLICT (name) DO UPDATE SET value = (
        SELECT CASE WHEN at < mark.value::bigint - 2592000000000 THEN mark.value::bigint
            ELSE least(at, mark.value::bigint + 86400000000) END
        FROM unix)::text
    RETURNING value
)
SELECT (SELECT count(*) FROM gone),
    CASE WHEN (SELECT count(*) FROM chosen) = 500 THEN (SELECT max(id) FROM chosen)
        ELSE (SELECT max(id) FROM page) END,
    (SELECT count(*) FROM page),
    (SELECT count(*) FROM page WHERE is_due),
    -- An operator keeps a record by 'infinity': that is no time when somebody asked.
    (SELECT (extract(epoch FROM max(last_requested_at)) * 1000000)::bigint FROM page
     WHERE isfinite(last_requested_at)),
    (SELECT at FROM unix),
    (SELECT value FROM trusted)
