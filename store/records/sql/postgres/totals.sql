-- $1 since, in seconds since 1970. The first column is NULL in the row over all time.
SELECT CASE WHEN hour > '-infinity' THEN extract(epoch FROM hour)::bigint END,
    sum(new_codes), sum(new_phones), sum(requests)
FROM uic_totals_shards
WHERE hour = '-infinity' OR (hour >= to_timestamp($1) AND hour < 'infinity')
GROUP BY hour
