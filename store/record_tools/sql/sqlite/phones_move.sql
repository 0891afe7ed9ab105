-- $1 numbers: [{"kept": as it stands, "wanted": as it is to stand}, ...]
UPDATE uic_records SET phone_number = moved.wanted
FROM (SELECT json_extract(value, '$.kept') AS kept, json_extract(value, '$.wanted') AS wanted
      FROM json_each($1)) AS moved
WHERE phone_number = moved.kept
