-- $1 who, in the records behind $2 up to $3 that nobody asked for after $4, is $5 from now on (empty:
-- nobody). Who was remembered under both is remembered once. Rows are taken in the order of their hashes, as
-- claims take them.
UPDATE uic_records SET asked_by =
    CASE WHEN position($5::bytea in asked_by) % 8 = 1
        THEN nullif(overlay(asked_by placing '' from position($1::bytea in asked_by) for 8), '')
        ELSE overlay(asked_by placing $5::bytea from position($1::bytea in asked_by) for 5) END
WHERE id = ANY (ARRAY(
    SELECT id FROM uic_records
    WHERE id = ANY (ARRAY(SELECT record FROM uic_asked WHERE who = $1 AND record > $2 AND record <= $3))
        AND last_requested_at <= $4 AND position($1::bytea in asked_by) % 8 = 1
    ORDER BY input_hash FOR UPDATE))
