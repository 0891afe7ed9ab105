UPDATE uic_records SET asked_by =
    CASE WHEN position(decode($2, 'hex') IN asked_by) % 8 = 1
        THEN nullif(overlay(asked_by PLACING '' FROM position(decode($1, 'hex') IN asked_by) FOR 8), '')
        ELSE overlay(asked_by PLACING decode($2, 'hex')
                     FROM position(decode($1, 'hex') IN asked_by) FOR 5) END
WHERE id > $3::bigint AND id <= $4::bigint AND position(decode($1, 'hex') IN asked_by) % 8 = 1
    AND ($5::timestamptz IS NULL OR last_requested_at <= $5::timestamptz)
