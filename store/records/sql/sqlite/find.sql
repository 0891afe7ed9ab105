-- Parameters as in claim.sql, of a record that knows the event: the request that the event was. Each event
-- before it in the list came after it.
SELECT uic_code,
    request_count + 1 - (length(later) - length(replace(later, ' ', ''))) = 1,
    NOT instr(coalesce(asked_by, ''), $6)
        AND NOT coalesce(instr(asked_by, $9 || substr($6, 12)), 0)
        AND (user_id = $8 OR instr(coalesce(asked_by, ''), substr($6, 1, 11))
             OR (((user_id IS NULL AND phone_number = $3) OR instr(coalesce(asked_by, ''), $9))
                 AND id <= $12)),
    id
FROM (SELECT *, substr(events, 1, instr(events, ' ' || $5 || ' ')) AS later
      FROM (SELECT *, ' ' || coalesce(last_event_id, '') || previous_event_ids || ' ' AS events
            FROM uic_records WHERE input_hash = $1))
