UPDATE uic_records SET asked_by =
    overlay(asked_by PLACING decode($2, 'hex') FROM position(decode($1, 'hex') IN asked_by) FOR 5)
WHERE id > $3::bigint AND id <= $4::bigint AND position(decode($1, 'hex') IN asked_by) % 8 = 1
