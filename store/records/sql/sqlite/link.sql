-- $1 hash of a number, $2 hash of the user id that came with it, $3 when.
INSERT INTO uic_links (number, user_id, since, up_to)
VALUES ($1, $2, substr($3, 1, 10), (SELECT coalesce(max(id), 0) FROM uic_records)) ON CONFLICT DO NOTHING
