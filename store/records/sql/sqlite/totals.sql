-- $1 since, in seconds since 1970. The first column is NULL in the row over all time.
SELECT NULL, coalesce(sum(new_codes), 0), coalesce(sum(new_phones), 0), coalesce(sum(requests), 0)
FROM uic_totals
UNION ALL
SELECT strftime('%s', hour || ':00'), new_codes, new_phones, requests
FROM uic_totals WHERE hour >= strftime('%Y-%m-%d %H', $1, 'unixepoch') AND hour < 'infinity'
