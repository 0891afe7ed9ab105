-- $1 numbers: [{"kept": as it stands, "wanted": as it is to stand}, ...]
UPDATE uic_records SET phone_number = moved.wanted
FROM json_to_recordset($1::json) AS moved (kept text COLLATE "C", wanted text COLLATE "C")
WHERE phone_number = moved.kept
