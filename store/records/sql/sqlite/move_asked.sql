UPDATE uic_records SET asked_by =
    CASE WHEN instr(asked_by, ' ' || $2)
        THEN nullif(replace(asked_by, substr(asked_by, instr(asked_by, ' ' || $1), 17), ''), '')
        ELSE replace(asked_by, ' ' || $1, ' ' || $2) END
WHERE id > $3 AND id <= $4 AND instr(asked_by, ' ' || $1)
    AND ($5 IS NULL OR last_requested_at <= substr($5, 1, 26))
