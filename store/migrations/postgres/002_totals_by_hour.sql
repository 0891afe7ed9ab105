-- Totals by the hour, so that they can be summed to the days of any whole-hour time zone. The triggers
-- write to uic_totals_shards, where the hour '-infinity' stands for all time; uic_totals is what one
-- reads. Otherwise as told in 001.
DROP TABLE uic_totals;
CREATE TABLE uic_totals_shards (
    hour timestamptz NOT NULL,
    shard smallint NOT NULL,
    new_codes bigint NOT NULL,
    new_phones bigint NOT NULL,
    requests bigint NOT NULL,
    PRIMARY KEY (hour, shard)
) WITH (fillfactor = 50);

CREATE VIEW uic_totals AS
SELECT hour, sum(new_codes) AS new_codes, sum(new_phones) AS new_phones, sum(requests) AS requests
FROM uic_totals_shards WHERE hour > '-infinity' GROUP BY hour;

-- The two rows that a moment counts in.
CREATE FUNCTION uic_hours(at timestamptz) RETURNS timestamptz[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['-infinity', date_trunc('hour', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'];

CREATE OR REPLACE FUNCTION uic_totals_insert() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO uic_totals_shards AS total (hour, shard, new_codes, new_phones, requests)
    SELECT unnest(uic_hours(created_at)), pg_backend_pid() % 16,
           count(*), count(*) FILTER (WHERE first_of_phone), sum(request_count)
    FROM (SELECT created_at, request_count,
                 row_number() OVER (PARTITION BY phone_number ORDER BY id) = 1
                 AND (SELECT r.id FROM uic_records r
                      WHERE r.phone_number = added.phone_number
                      AND r.id NOT IN (SELECT id FROM added) LIMIT 1) IS NULL AS first_of_phone
          FROM added) AS added
    GROUP BY 1, 2 ORDER BY 1
    ON CONFLICT (hour, shard) DO UPDATE SET
        new_codes = total.new_codes + excluded.new_codes,
        new_phones = total.new_phones + excluded.new_phones,
        requests = total.requests + excluded.requests;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION uic_totals_update() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO uic_totals_shards AS total (hour, shard, new_codes, new_phones, requests)
    SELECT unnest(uic_hours(after.last_requested_at)), pg_backend_pid() % 16,
           0, 0, sum(after.request_count - before.request_count)
    FROM before JOIN after USING (id)
    GROUP BY 1, 2 HAVING sum(after.request_count - before.request_count) <> 0 ORDER BY 1
    ON CONFLICT (hour, shard) DO UPDATE SET requests = total.requests + excluded.requests;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION uic_totals_delete() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO uic_totals_shards AS total (hour, shard, new_codes, new_phones, requests)
    SELECT unnest(uic_hours(created_at)), pg_backend_pid() % 16,
           -count(*), -count(*) FILTER (WHERE last_of_phone), 0
    FROM (SELECT created_at,
                 row_number() OVER (PARTITION BY phone_number ORDER BY id) = 1
                 AND (SELECT r.id FROM uic_records r
                      WHERE r.phone_number = gone.phone_number LIMIT 1) IS NULL AS last_of_phone
          FROM gone) AS gone
    GROUP BY 1, 2 ORDER BY 1
    ON CONFLICT (hour, shard) DO UPDATE SET
        new_codes = total.new_codes + excluded.new_codes,
        new_phones = total.new_phones + excluded.new_phones;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION uic_totals_count() RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    LOCK TABLE uic_records, uic_totals_shards IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM uic_totals_shards;
    INSERT INTO uic_totals_shards (hour, shard, new_codes, new_phones, requests)
    SELECT hour, 0, sum(codes), sum(phones), sum(requests)
    FROM (SELECT unnest(uic_hours(created_at)) AS hour, count(*) AS codes, 0 AS phones,
                 count(*) AS requests
          FROM uic_records GROUP BY 1
          UNION ALL
          SELECT unnest(uic_hours(last_requested_at)), 0, 0, sum(request_count - 1)
          FROM uic_records WHERE request_count > 1 GROUP BY 1
          UNION ALL
          SELECT hour, 0, count(*), 0
          FROM (SELECT unnest(uic_hours(min(created_at))) AS hour
                FROM uic_records GROUP BY phone_number) AS phone
          GROUP BY 1) AS counted
    GROUP BY hour;
END $$;

DROP FUNCTION uic_day(timestamptz);
SELECT uic_totals_count();

-- Makes one row of the shards of each hour that is past, which nobody writes any more but who removes
-- a record. The program does it when it starts.
CREATE FUNCTION uic_totals_fold() RETURNS void LANGUAGE sql SET search_path FROM CURRENT
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM uic_totals_shards
        WHERE hour > '-infinity' AND hour < now() - interval '1 day' AND shard >= 0
        RETURNING hour, new_codes, new_phones, requests)
    INSERT INTO uic_totals_shards AS total (hour, shard, new_codes, new_phones, requests)
    SELECT hour, -1, sum(new_codes), sum(new_phones), sum(requests) FROM gone GROUP BY hour ORDER BY 1
    ON CONFLICT (hour, shard) DO UPDATE SET
        new_codes = total.new_codes + excluded.new_codes,
        new_phones = total.new_phones + excluded.new_phones,
        requests = total.requests + excluded.requests;
END;
