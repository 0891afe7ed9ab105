SELECT line, code, phone, decode(hash, 'hex') AS hash, (created || '+00')::timestamptz AS created,
       (last || '+00')::timestamptz AS last, active, notes, count
FROM json_to_recordset($1::json) AS row (line integer, code text COLLATE "C", phone text, hash text,
    created text, last text, active boolean, notes text, count integer)
