-- $1 the clock, $2 what to begin with: where the records end. By a day at most; it follows a clock back
-- by thirty days at most: one that is slower than that is wrong.
INSERT INTO uic_marks (name, value) VALUES ('retention_clock', CAST($2 AS TEXT))
ON CONFLICT (name) DO UPDATE SET value =
    CASE WHEN $1 < CAST(value AS INTEGER) - 2592000000000 THEN value
    ELSE CAST(min($1, CAST(value AS INTEGER) + 86400000000) AS TEXT) END
RETURNING CAST(value AS INTEGER)
