-- $1 who, in the records behind $2 up to $3 that nobody asked for after $4, is $5 from now on (empty:
-- nobody). Who was remembered under both is remembered once.
UPDATE uic_records SET asked_by =
    CASE WHEN instr(asked_by, ' ' || $5)
        THEN nullif(replace(asked_by, substr(asked_by, instr(asked_by, ' ' || $1), 17), ''), '')
        ELSE replace(asked_by, ' ' || $1, ' ' || $5) END
WHERE id IN (SELECT record FROM uic_asked WHERE who = $1 AND record > $2 AND record <= $3)
    AND last_requested_at <= $4 AND instr(asked_by, ' ' || $1)
