-- $1 who asks, as in near.sql, $2 the record.
INSERT INTO uic_asked (who, record) VALUES ($1, $2) ON CONFLICT DO NOTHING
