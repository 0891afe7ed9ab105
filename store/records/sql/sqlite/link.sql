-- $1 hash of a number, $2 hash of the user id that came with it, $3 when.
INSERT INTO uic_links (number, user_id, since, is_first)
SELECT $1, $2, substr($3, 1, 10), NOT EXISTS (SELECT 1 FROM uic_links WHERE number = $1) WHERE true
ON CONFLICT DO NOTHING
