-- $1 as phones_move.sql. A number that stands in both forms, for it wrote after the mode had changed, was
-- counted twice: once less, in the hour in which it came the second time.
INSERT INTO uic_totals (hour, new_codes, new_phones, requests)
SELECT hour, 0, -count(*), 0
FROM (SELECT substr(max((SELECT min(created_at) FROM uic_records WHERE phone_number = kept),
                        (SELECT min(created_at) FROM uic_records WHERE phone_number = wanted)),
                    1, 13) AS hour
      FROM (SELECT json_extract(value, '$.kept') AS kept,
                json_extract(value, '$.wanted') AS wanted FROM json_each($1)))
WHERE hour IS NOT NULL
GROUP BY hour
ON CONFLICT (hour) DO UPDATE SET new_phones = new_phones + excluded.new_phones
