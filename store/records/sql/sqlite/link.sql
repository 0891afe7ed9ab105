-- Parameters as in claim.sql, of a number and a user id that came together.
INSERT INTO uic_links (number, user_id, since, up_to)
VALUES ($10, $8, substr($4, 1, 10),
        (SELECT coalesce(max(id), 0) FROM uic_records)) ON CONFLICT DO NOTHING
