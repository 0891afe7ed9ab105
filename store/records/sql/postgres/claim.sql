-- $1 hashes, $2 codes, $3 phone numbers, $4 times, $5 events, $6 who asks, or empty; $7 hashes of user
-- ids, or empty; $8 where there is one, the beginning of the hash of the number beside it, or empty.
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
-- asked_by: who makes this claim comes first. Whoever was there keeps her message; so does a number that
-- came without a user id before: now it is the id's. Whoever is there only as the record's own asked
-- before this message, and gets none. Without anybody nothing changes. substring(excluded.asked_by for
-- 5) is who asks without the message. A number belongs to the user id that came with it last: alone, or
-- with another id, it is somebody else from then on.
--
-- A code that was told must not be lost with the server, whatever it or the role says.
WITH asked AS (
    SELECT n, input_hash, uic_code, phone_number, at, nullif(event_id, '') AS event_id,
        nullif(asker, '') AS asker, nullif(user_id, '') AS user_id, nullif(number, '') AS number,
        (SELECT id FROM uic_records
         WHERE uic_code = wanted.uic_code AND input_hash <> wanted.input_hash) IS NOT NULL
        AND (SELECT id FROM uic_records WHERE input_hash = wanted.input_hash) IS NULL AS is_taken
    FROM unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[],
                $7::bytea[], $8::bytea[])
        WITH ORDINALITY AS wanted (input_hash, uic_code, phone_number, at, event_id, asker, user_id,
                                   number, n)
), written AS (
    INSERT INTO uic_records AS r
        (input_hash, uic_code, phone_number, created_at, last_requested_at, last_event_id, asked_by,
         user_id)
    SELECT input_hash, uic_code, phone_number,
        date_trunc('minute', CASE WHEN at > now() - interval '30 days' THEN at ELSE now() END),
        date_trunc('minute', greatest(at, now(), (SELECT to_timestamp(value::float8 / 1000000)
                                                  FROM uic_marks WHERE name = 'retention_clock'))),
        event_id, asker, user_id
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
            WHEN excluded.user_id IS NOT NULL AND position(
                nullif(($8::bytea[])[array_position($1::bytea[], excluded.input_hash)], '')
                in r.asked_by) % 8 = 1 THEN
                substring(excluded.asked_by for 5) ||
                substring(r.asked_by from 5 + position(
                    ($8::bytea[])[array_position($1::bytea[], excluded.input_hash)]
                    in r.asked_by) for 3) ||
                overlay(r.asked_by placing '' from position(
                    ($8::bytea[])[array_position($1::bytea[], excluded.input_hash)]
                    in r.asked_by) for 8)
            ELSE
                CASE WHEN r.user_id = excluded.user_id
                        OR (r.user_id IS NULL AND r.phone_number = excluded.phone_number)
                    THEN substring(excluded.asked_by for 5) || '\x000000'::bytea
                    ELSE excluded.asked_by END ||
                substring(coalesce(r.asked_by, '') for 8 * (16 - 1))
            END,
            r.asked_by),
        user_id = coalesce(r.user_id,
            CASE r.phone_number WHEN excluded.phone_number THEN excluded.user_id END)
    WHERE (excluded.last_event_id = ANY (r.last_event_id || r.previous_event_ids)) IS NOT TRUE
    RETURNING input_hash, uic_code, request_count = 1 AS is_new, substring(asked_by for 8) AS latest
)
SELECT n, is_taken, coalesce(written.uic_code, known.uic_code),
    coalesce(written.is_new, known.is_new)::integer,
    CASE WHEN written.input_hash IS NULL THEN known.asked_before
        ELSE latest <> asker END::integer,
    (SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') <> 'remote_apply')
FROM asked LEFT JOIN written USING (input_hash) LEFT JOIN LATERAL (
    SELECT uic_code,
        request_count =
            array_position(last_event_id || previous_event_ids, asked.event_id) AS is_new,
        position(asker in coalesce(asked_by, '')) = 0
            AND coalesce(position(number || substring(asker from 6) in asked_by), 0) = 0
            AND (user_id = asked.user_id
                 OR (user_id IS NULL AND phone_number = asked.phone_number)
                 OR position(substring(asker for 5) in coalesce(asked_by, '')) > 0
                 OR position(number in coalesce(asked_by, '')) > 0) AS asked_before
    FROM uic_records WHERE written.input_hash IS NULL AND input_hash = asked.input_hash LIMIT 1
) AS known ON true
