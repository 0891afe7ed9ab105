-- $1 as phones_move.sql. A number that stands in both forms, for it wrote after the mode had changed, was
-- counted twice: once less, in the hour in which it came the second time.
INSERT INTO uic_totals_shards AS total (hour, shard, new_codes, new_phones, requests)
SELECT unnest(uic_hours(at)), pg_backend_pid() % 16, 0, -count(*), 0
FROM (SELECT greatest(
                 (SELECT min(created_at) FROM uic_records WHERE phone_number = kept),
                 (SELECT min(created_at) FROM uic_records WHERE phone_number = wanted)) AS at
      FROM json_to_recordset($1::json) AS moved (kept text COLLATE "C", wanted text COLLATE "C")
      WHERE EXISTS (SELECT 1 FROM uic_records WHERE phone_number = kept)
        AND EXISTS (SELECT 1 FROM uic_records WHERE phone_number = wanted)) AS merged
GROUP BY 1, 2 ORDER BY 1
ON CONFLICT (hour, shard) DO UPDATE SET new_phones = total.new_phones + excluded.new_phones
