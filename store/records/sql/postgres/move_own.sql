UPDATE uic_records SET
    phone_number = CASE phone_number WHEN $1 THEN $2 WHEN $3 THEN $4 ELSE phone_number END,
    user_id = CASE WHEN user_id IS NULL OR user_id = decode($6, 'hex')
        THEN coalesce(decode($7, 'hex'), user_id) ELSE user_id END
WHERE id = ANY (ARRAY(
    SELECT id FROM uic_records
    WHERE user_id = decode($5, 'hex') OR phone_number = $3
        OR (phone_number = $1 AND (user_id IN (decode($6, 'hex'), decode($7, 'hex'))
                                   OR (user_id IS NULL AND created_at <= $8::timestamptz
                                       AND (NOT EXISTS (SELECT 1 FROM uic_links
                                                        WHERE number = decode($9, 'hex')
                                                        AND (up_to < 0 OR user_id NOT IN (
                                                            decode(coalesce($6, $7), 'hex'),
                                                            decode(coalesce($7, $6), 'hex'))))
                                            OR id <= (SELECT CASE WHEN user_id IN (decode($6, 'hex'),
                                                                                   decode($7, 'hex')) THEN up_to END
                                                      FROM uic_links WHERE number = decode($9, 'hex')
                                                      ORDER BY since, up_to < 0, up_to, user_id LIMIT 1)))))
    ORDER BY input_hash LIMIT 500 FOR UPDATE))
