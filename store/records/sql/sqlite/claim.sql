-- $1 hash, $2 code, $3 phone number, $4 now, $5 event, $6 who asks or NULL, $7 last requested.
--
-- No row comes back when the row knows this event. It remembers several: two people with the same
-- answers may come again in turn, and a record's way through the outbox is not straight.
--
-- asked_by: the number of this claim comes first. One that was there keeps its message; one that is
-- there only as the phone number asked before this message, and gets none. Without a number nothing
-- changes. substr($6, 1, 11) is who asks without the message.
INSERT INTO uic_records (input_hash, uic_code, phone_number, created_at, last_requested_at,
    last_event_id, asked_by)
VALUES ($1, $2, $3, $4, $7, nullif($5, ''), $6)
ON CONFLICT (input_hash) DO UPDATE SET
    request_count = request_count + 1,
    last_requested_at = max(last_requested_at, excluded.last_requested_at),
    last_event_id = excluded.last_event_id,
    previous_event_ids =
        substr(' ' || coalesce(last_event_id, '') || previous_event_ids, 1, 4 * 40),
    asked_by = coalesce(
        CASE WHEN instr(asked_by, substr($6, 1, 11)) THEN
            substr(asked_by, instr(asked_by, substr($6, 1, 11)), 17) ||
            replace(asked_by, substr(asked_by, instr(asked_by, substr($6, 1, 11)), 17), '')
        ELSE
            CASE phone_number WHEN $3 THEN substr($6, 1, 11) || '000000' ELSE $6 END ||
            substr(coalesce(asked_by, ''), 1, 17 * (16 - 1))
        END,
        asked_by)
WHERE excluded.last_event_id IS NULL
    OR NOT instr(' ' || coalesce(last_event_id, '') || previous_event_ids || ' ',
                 ' ' || excluded.last_event_id || ' ')
RETURNING uic_code, request_count = 1, coalesce(substr(asked_by, 1, 17) <> $6, phone_number = $3)
