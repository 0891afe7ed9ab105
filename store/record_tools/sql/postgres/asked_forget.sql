UPDATE uic_records SET asked_by =
    nullif(overlay(asked_by PLACING '' FROM position(decode($1, 'hex') IN asked_by) FOR 8), '')
WHERE position(decode($1, 'hex') IN asked_by) % 8 = 1
