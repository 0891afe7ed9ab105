-- Parameters as in claim.sql. Up to which record what the number registered alone, or asked for, is this
-- person's: none where another user id is known to have come with it, or this one moved to it; all where
-- none did.
SELECT CASE WHEN EXISTS (SELECT 1 FROM uic_records WHERE phone_number = $3 AND user_id <> coalesce($8, ''))
    THEN -1 ELSE coalesce((SELECT min(iif(user_id IS $8, up_to, -1)) FROM uic_links WHERE number = $10),
                          9223372036854775807) END
