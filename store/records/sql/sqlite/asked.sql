-- $1 who asks, as in near.sql, $2 the record; 0: the one that was inserted last.
INSERT INTO uic_asked (who, record) VALUES ($1, coalesce(nullif($2, 0), last_insert_rowid())) ON CONFLICT DO NOTHING
