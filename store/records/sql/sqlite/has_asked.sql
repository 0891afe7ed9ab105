-- Parameters as in claim.sql: whether who asks asked for anything before. Most people never did, and near.sql
-- costs three times as much.
SELECT EXISTS (SELECT 1 FROM uic_asked WHERE who = $14)
