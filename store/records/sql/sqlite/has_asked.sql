-- $1 who asks, as in near.sql: whether she asked for anything before. Most people never did, and near.sql
-- costs three times as much.
SELECT EXISTS (SELECT 1 FROM uic_asked WHERE who = $1)
