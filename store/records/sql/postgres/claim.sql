-- $1 hashes, in their order, $2 codes, $3 phone numbers, $4 times, $5 events, $6 who asks, or empty; $7
-- hashes of user ids, or empty; $8 the hash of the number, beside it or alone, or empty; $9 what
-- a record is found by when answers are nearly its own, or empty; $10 where it is to be looked for first, as
-- near.sql of SQLite, or empty: which one is found does not depend on who registered it first.
--
-- claim: the claims, whose the code is (held: other answers' record, or one that she asked for before),
-- and which of them can have nothing: somebody new whose code is another's, and who asked for nearly the
-- same before. Rows are written in the order of the hashes, so that two instances
-- never wait for each other in a circle.
-- written: rows that were inserted or counted, but not those that know the event already: these are
-- read in the end, as they stand. No row for a claim means that another instance has registered the
-- person while the statement ran: it wants to be made again.
-- outcome: each claim with the row that was written for it, if any. noted: adds to uic_asked; hint is the
-- first byte of each of the record's own near hashes (found_by), which may be of answers that were read
-- otherwise, or NULL where that is not seen. linked: adds to uic_links. An
-- ON CONFLICT knows only its own table's columns: what else it needs is found in the arrays, by their order.
--
-- A claim's clock may be slow, and what it dates years back would soon be too old to be kept: a record
-- was last asked for when it is written, or later. created_at is for statistics; one that came by the
-- outbox keeps its own day. Neither has seconds: beside a log or a phone they would tell who wrote.
--
-- asked_by: who makes this claim comes first. Whoever was there keeps her message; so does a number that
-- came without a user id before: now it is the id's. Whoever is there only as the record's own asked
-- before this message, and gets none. Without anybody nothing changes. substring(excluded.asked_by for
-- 5) is who asks without the message. A number belongs to the user id that came with it last: alone, or
-- with another id, it is somebody else from then on; and what it had before there were ids belongs to the
-- first id that came with it.
--
-- A code that was told must not be lost with the server, whatever it or the role says.
WITH claim AS (
    SELECT n, wanted.input_hash, wanted.uic_code, phone_number, at, nullif(event_id, '') AS event_id,
        nullif(asker, '') AS asker, nullif(user_id, '') AS user_id, nullif(number, '') AS number,
        nullif(near, '') AS near,
        held, held IS NOT DISTINCT FROM 'other'
        AND (SELECT id FROM uic_records WHERE input_hash = wanted.input_hash) IS NULL AS is_taken,
        CASE WHEN sought <> '' AND held IS DISTINCT FROM 'hers'
            AND (SELECT true FROM uic_asked WHERE who = substring(asker for 5) LIMIT 1)
            THEN uic_near_find(wanted.input_hash, wanted.phone_number, asker, wanted.user_id,
                               number, sought) END AS near_input_hash
    FROM (SELECT *, (SELECT CASE WHEN known.input_hash <> claimed.input_hash THEN 'other'
                WHEN known.near IS NOT NULL
                    AND position(substring(asker for 5) in asked_by) % 8 = 1 THEN 'hers' END
            FROM uic_records AS known WHERE known.uic_code = claimed.uic_code) AS held
        FROM unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[],
                    $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[])
            WITH ORDINALITY AS claimed (input_hash, uic_code, phone_number, at, event_id, asker,
                                        user_id, number, near, sought, n)
        OFFSET 0) AS wanted
), written AS (
    INSERT INTO uic_records AS r
        (input_hash, uic_code, phone_number, created_at, last_requested_at, last_event_id, asked_by,
         user_id, near)
    SELECT input_hash, uic_code, phone_number,
        date_trunc('minute', CASE WHEN at > now() - interval '30 days' THEN at ELSE now() END),
        date_trunc('minute', greatest(at, now(), (SELECT to_timestamp(value::float8 / 1000000)
                                                  FROM uic_marks WHERE name = 'retention_clock'))),
        event_id, asker, user_id, near
    FROM claim WHERE NOT is_taken AND near_input_hash IS NULL
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
            WHEN excluded.user_id IS NOT NULL AND position(nullif(substring(
                    ($8::bytea[])[width_bucket(excluded.input_hash, $1::bytea[])] for 5), '')
                in r.asked_by) % 8 = 1
                AND NOT uic_number_is_anothers(
                    ($8::bytea[])[width_bucket(excluded.input_hash, $1::bytea[])],
                    excluded.phone_number, excluded.user_id, r.id) THEN
                substring(excluded.asked_by for 5) ||
                substring(r.asked_by from 5 + position(substring(
                    ($8::bytea[])[width_bucket(excluded.input_hash, $1::bytea[])] for 5)
                    in r.asked_by) for 3) ||
                overlay(r.asked_by placing '' from position(substring(
                    ($8::bytea[])[width_bucket(excluded.input_hash, $1::bytea[])] for 5)
                    in r.asked_by) for 8)
            ELSE
                CASE WHEN r.user_id = excluded.user_id
                        OR (r.user_id IS NULL AND r.phone_number = excluded.phone_number
                            AND NOT uic_number_is_anothers(
                                ($8::bytea[])[width_bucket(excluded.input_hash, $1::bytea[])],
                                excluded.phone_number, excluded.user_id, r.id))
                    THEN substring(excluded.asked_by for 5) || '\x000000'::bytea
                    ELSE excluded.asked_by END ||
                substring(coalesce(r.asked_by, '') for 8 * (16 - 1))
            END,
            r.asked_by),
        user_id = coalesce(r.user_id,
            CASE WHEN excluded.user_id IS NOT NULL AND r.phone_number = excluded.phone_number
                AND NOT uic_number_is_anothers(
                    ($8::bytea[])[width_bucket(excluded.input_hash, $1::bytea[])],
                    excluded.phone_number, excluded.user_id, r.id)
                THEN excluded.user_id END),
        near = coalesce(r.near, excluded.near)
    WHERE (excluded.last_event_id = ANY (r.last_event_id || r.previous_event_ids)) IS NOT TRUE
    RETURNING id, input_hash, uic_code, request_count = 1 AS is_new,
        substring(asked_by for 8) AS latest
), outcome AS MATERIALIZED (
    SELECT claim.*, id, written.uic_code AS written_code, is_new, latest <> asker AS asked_before
    FROM claim LEFT JOIN written USING (input_hash)
), noted AS (
    INSERT INTO uic_asked (who, record, hint)
    SELECT substring(asker for 5), id,
        substring(found_by for 1) || substring(found_by from 6 for 1) || substring(found_by from 11 for 1)
        || substring(found_by from 16 for 1) || substring(found_by from 21 for 1)
    FROM (SELECT outcome.*, CASE WHEN is_new THEN near
              ELSE (SELECT r.near FROM uic_records AS r WHERE r.id = outcome.id) END AS found_by FROM outcome) AS outcome
    WHERE id IS NOT NULL AND asker IS NOT NULL
        AND (is_new OR (SELECT record FROM uic_asked
                        WHERE who = substring(asker for 5) AND record = id) IS NULL)
    ON CONFLICT DO NOTHING
), linked AS (
    INSERT INTO uic_links (number, user_id, since, up_to)
    SELECT number, user_id, (at AT TIME ZONE 'UTC')::date,
        (SELECT greatest(max(uic_records.id), outcome.id) FROM uic_records)
    FROM outcome
    WHERE id IS NOT NULL AND length(number) = 16 AND user_id IS NOT NULL
        AND (SELECT since FROM uic_links
             WHERE number = outcome.number AND user_id = outcome.user_id) IS NULL
    ORDER BY number, user_id
    ON CONFLICT DO NOTHING
)
SELECT n, is_taken AND near_input_hash IS NULL,
    coalesce(CASE WHEN near_input_hash IS NOT NULL
             THEN (SELECT uic_code FROM uic_records WHERE input_hash = near_input_hash) END,
             written_code, known.uic_code),
    coalesce(outcome.is_new, known.is_new)::integer,
    coalesce(outcome.asked_before, known.asked_before)::integer,
    encode(near_input_hash, 'hex'),
    (SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') <> 'remote_apply')
FROM outcome LEFT JOIN LATERAL (
    SELECT uic_code,
        request_count =
            array_position(last_event_id || previous_event_ids, outcome.event_id) AS is_new,
        position(asker in coalesce(asked_by, '')) = 0
            AND coalesce(position(substring(number for 5) || substring(asker from 6)
                                  in asked_by), 0) = 0
            AND uic_has_asked(uic_records, substring(asker for 5), outcome.user_id, outcome.number,
                              outcome.phone_number) AS asked_before
    FROM uic_records
    WHERE outcome.id IS NULL AND near_input_hash IS NULL AND input_hash = outcome.input_hash LIMIT 1
) AS known ON true
