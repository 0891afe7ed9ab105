SELECT json_extract(value, '$.line') AS line, json_extract(value, '$.code') AS code,
       json_extract(value, '$.phone') AS phone, json_extract(value, '$.hash') AS hash,
       json_extract(value, '$.created') AS created, json_extract(value, '$.last') AS last,
       json_extract(value, '$.active') AS active, json_extract(value, '$.notes') AS notes,
       json_extract(value, '$.count') AS count
FROM json_each($1)
