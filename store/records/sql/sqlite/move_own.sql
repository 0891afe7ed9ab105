UPDATE uic_records SET
    phone_number = CASE phone_number WHEN $1 THEN $2 WHEN $3 THEN $4 ELSE phone_number END,
    user_id = CASE WHEN user_id IS NULL OR user_id = $6 THEN coalesce($7, user_id) ELSE user_id END
WHERE id IN (
    SELECT id FROM uic_records
    WHERE user_id = $5 OR phone_number = $3
        OR (phone_number = $1 AND (user_id IN ($6, $7)
                                   OR (user_id IS NULL AND created_at <= substr($8, 1, 26)
                                       AND (NOT EXISTS (SELECT 1 FROM uic_links
                                                        WHERE number = $9 AND (up_to < 0 OR user_id NOT IN
                                                            (coalesce($6, $7), coalesce($7, $6))))
                                            OR id <= (SELECT CASE WHEN user_id IN ($6, $7) THEN up_to END
                                                      FROM uic_links WHERE number = $9
                                                      ORDER BY since, up_to < 0, up_to, user_id LIMIT 1)))))
    LIMIT 500)
