-- Parameters as in claim.sql, of a record that is there.
--
-- Nothing changes when the row knows this event. It remembers several: two people with the same
-- answers may come again in turn, and a record's way through the outbox is not straight.
--
-- asked_by: who makes this claim comes first. Whoever was there keeps her message; so does a number that
-- came without a user id before: now it is the id's. Whoever is there only as the record's own asked
-- before this message, and gets none. Without anybody nothing changes. A number belongs to the user id that
-- came with it last: alone, or with another id, it is somebody else from then on; and what it had before
-- there were ids belongs to the first id that came with it.
UPDATE uic_records SET
    request_count = request_count + 1,
    last_requested_at = max(last_requested_at, $7),
    last_event_id = nullif($5, ''),
    previous_event_ids =
        substr(' ' || coalesce(last_event_id, '') || previous_event_ids, 1, 4 * 40),
    asked_by = coalesce(
        CASE WHEN instr(asked_by, substr($6, 1, 11)) THEN
            substr(asked_by, instr(asked_by, substr($6, 1, 11)), 17) ||
            replace(asked_by, substr(asked_by, instr(asked_by, substr($6, 1, 11)), 17), '')
        WHEN instr(asked_by, $9) AND id <= $12 THEN
            substr($6, 1, 11) || substr(asked_by, instr(asked_by, $9) + 11, 6) ||
            replace(asked_by, substr(asked_by, instr(asked_by, $9), 17), '')
        ELSE
            CASE WHEN user_id = $8 OR (user_id IS NULL AND phone_number = $3
                                  AND id <= $12)
                THEN substr($6, 1, 11) || '000000' ELSE $6 END ||
            substr(coalesce(asked_by, ''), 1, 17 * (16 - 1))
        END,
        asked_by),
    user_id = coalesce(user_id, CASE WHEN phone_number = $3 AND id <= $12 THEN $8 END),
    near = coalesce(near, $11)
WHERE input_hash = $1
    AND ($5 = '' OR NOT instr(' ' || coalesce(last_event_id, '') || previous_event_ids || ' ', ' ' || $5 || ' '))
