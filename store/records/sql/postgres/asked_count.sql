SELECT count(*) FROM uic_records
WHERE position(decode($1, 'hex') IN asked_by) % 8 = 1 AND phone_number <> $2
