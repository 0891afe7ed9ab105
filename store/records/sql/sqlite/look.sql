-- $1 the id to go on behind, $2 the time before which records are due. A page: how many there are, how
-- many are due, the newest, the last.
WITH page AS MATERIALIZED (
    SELECT id, last_requested_at, last_requested_at < $2 AS is_due
    FROM uic_records WHERE id > $1 ORDER BY id LIMIT 5000
)
SELECT count(*), coalesce(sum(is_due), 0),
    max(last_requested_at) FILTER (WHERE last_requested_at < 'infinity'), max(id) FROM page
