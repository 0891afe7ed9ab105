-- Parameters as in claim.sql: what became of a record that again.sql has just counted. (RETURNING would
-- make a table for the one row.)
SELECT uic_code, request_count = 1, substr(asked_by, 1, 17) <> $6, id FROM uic_records WHERE input_hash = $1
