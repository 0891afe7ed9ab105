-- $1 as phones_move.sql. In the order in which claims write, so that neither waits for the other in a
-- circle.
SELECT count(*) FROM (
    SELECT 1 FROM uic_records
    WHERE phone_number IN (
        SELECT kept FROM json_to_recordset($1::json) AS moved (kept text COLLATE "C"))
    ORDER BY input_hash FOR NO KEY UPDATE) AS locked
