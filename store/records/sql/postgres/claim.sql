-- $1 hashes, $2 codes, $3 phone numbers, $4 times, $5 events, $6 who asks, or empty.
--
-- asked: the claims, and which of them can have nothing: a new person whose code is another's.
-- written: rows that were inserted or counted, but not those that know the event already: these are
-- read in the end, as they stand. No row for a claim means that another instance has registered the
-- person while the statement ran: it wants to be made again.
--
-- A claim's clock may be slow, and what it dates years back would soon be too old to be kept: a record
-- was last asked for when it is written, or later. created_at is for statistics; one that came by the
-- outbox keeps its own day. Neither has seconds: beside a log or a phone they would tell who wrote.
--
-- asked_by: the number of this claim comes first. One that was there keeps its message; one that is
-- there only as the phone number asked before this message, and gets none. Without a number nothing
-- changes. substring(excluded.asked_by for 5) is who asks without the message.
--
-- A code that was told must not be lost with the server, whatever it or the role says.
WITH asked AS (
    SELECT n, input_hash, uic_code, phone_number, at, nullif(event_id, '') AS event_id,
        nullif(asker, '') AS asker,
        (SELECT id FROM uic_records
         WHERE uic_code = wanted.uic_code AND input_hash <> wanted.input_hash) IS NOT NULL
        AND (SELECT id FROM uic_records WHERE input_hash = wanted.input_hash) IS NULL AS is_taken
    FROM unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[])
        WITH ORDINALITY AS wanted (input_hash, uic_code, phone_number, at, event_id, asker, n)
), written AS (
    INSERT INTO uic_records AS r
        (input_hash, uic_code, phone_number, created_at, last_requested_at, last_event_id, asked_by)
    SELECT input_hash, uic_code, phone_number,
        date_trunc('minute', CASE WHEN at > now() - interval '30 days' THEN at ELSE now() END),
        date_trunc('minute', greatest(at, now(), (SELECT to_timestamp(value::float8 / 1000000)
                                                  FROM uic_marks WHERE name = 'retention_clock'))),
        event_id, asker
    FROM asked WHERE NOT is_taken ORDER BY input_hash
    ON CONFLICT (input_hash) DO UPDATE SET
        request_count = r.request_count + 1,
        last_requested_at = greatest(r.last_requested_at, excluded.last_requested_at),
        last_event_id = excluded.last_event_id,
        previous_event_ids = (r.last_event_id || r.previous_event_ids)[1:4],
        asked_by = coalesce(
            CASE WHEN substring(r.asked_by for 5) = substring(excluded.asked_by for 5)
                THEN r.asked_by
            WHEN position(substring(excluded.asked_by for 5) in r.asked_by) % 8 = 1 THEN
                substring(r.asked_by from position(substring(excluded.asked_by for 5)
                                                   in r.asked_by) for 8) ||
                overlay(r.asked_by placing ''
                        from position(substring(excluded.asked_by for 5) in r.asked_by) for 8)
            ELSE
                CASE r.phone_number WHEN excluded.phone_number
                    THEN substring(excluded.asked_by for 5) || '\x000000'::bytea
                    ELSE excluded.asked_by END ||
                substring(coalesce(r.asked_by, '') for 8 * (16 - 1))
            END,
            r.asked_by)
    WHERE (excluded.last_event_id = ANY (r.last_event_id || r.previous_event_ids)) IS NOT TRUE
    RETURNING input_hash, uic_code, request_count = 1 AS is_new, phone_number,
        substring(asked_by for 8) AS latest
)
SELECT n, is_taken, coalesce(written.uic_code, known.uic_code),
    coalesce(written.is_new, known.is_new)::integer,
    CASE WHEN written.input_hash IS NULL THEN known.asked_before
        ELSE coalesce(latest <> asker, written.phone_number = asked.phone_number) END::integer,
    (SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') <> 'remote_apply')
FROM asked LEFT JOIN written USING (input_hash) LEFT JOIN LATERAL (
    SELECT uic_code,
        request_count =
            array_position(last_event_id || previous_event_ids, asked.event_id) AS is_new,
        position(asker in coalesce(asked_by, '')) = 0
            AND (phone_number = asked.phone_number
                 OR position(substring(asker for 5) in coalesce(asked_by, '')) > 0) AS asked_before
    FROM uic_records WHERE written.input_hash IS NULL AND input_hash = asked.input_hash LIMIT 1
) AS known ON true
