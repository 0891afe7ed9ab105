-- $1 hash, $2 code, $3 phone number, $4 now, $5 event, $6 who asks or NULL, $7 last requested, $8 hash
-- of the user id or NULL, $9 where there is one, the beginning of the hash of the number beside it, with
-- a space before it, or NULL; $10 the whole hash of the number, with an id or alone, or NULL; $11 what the
-- record is found by when answers are nearly its own, or NULL; $12 what number.sql says; $13 what near
-- records are found by; $14 who asks, as uic_asked has her; $15 the record. In $6 who asks stands as in asked_by,
-- behind a space and before the message: substr($6, 1, 11). All statements of a claim take these.
--
-- A record that is there stays as it is: again.sql counts it.
INSERT INTO uic_records (input_hash, uic_code, phone_number, created_at, last_requested_at,
    last_event_id, asked_by, user_id, near)
VALUES ($1, $2, $3, $4, $7, nullif($5, ''), $6, $8, $11)
ON CONFLICT (input_hash) DO NOTHING
