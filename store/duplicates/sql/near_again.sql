-- $1 behind and $2 up to this id: answers that an administrator found to be somebody's before they had
-- a code have one now, and are to be decided again.
UPDATE uic_pairs SET decision = NULL
WHERE number IN (
    SELECT p.number
    FROM uic_records AS r
    JOIN uic_pairs AS p ON p.answers = r.input_hash AND p.decision = 'same'
    JOIN uic_records AS o ON o.id = p.record
    WHERE r.id > $1 AND r.id <= $2 AND coalesce(r.same_as, r.id) <> coalesce(o.same_as, o.id))
