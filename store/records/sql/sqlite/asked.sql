-- Parameters as in claim.sql; without $15 it is the record that was just inserted.
INSERT INTO uic_asked (who, record)
VALUES ($14, coalesce($15, last_insert_rowid())) ON CONFLICT DO NOTHING
