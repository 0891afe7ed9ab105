-- What is kept besides the number, for who hides it, and for one person under two codes. Hashes are
-- hexadecimal digits.
-- A keyed hash of the user id that came with, or instead of, phone_number.
ALTER TABLE uic_records ADD COLUMN user_id TEXT;
-- Keyed hashes of the answers, each time without one of them: ten digits each.
ALTER TABLE uic_records ADD COLUMN near TEXT;
-- The row that counts in this one's place; only an administrator sets it.
ALTER TABLE uic_records ADD COLUMN same_as INTEGER;
CREATE INDEX uic_records_user_id ON uic_records (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX uic_records_same_as ON uic_records (same_as) WHERE same_as IS NOT NULL;
CREATE TRIGGER uic_same_as_delete AFTER DELETE ON uic_records
BEGIN
    UPDATE uic_records SET same_as = NULL WHERE same_as = old.id;
END;

-- Whose records were erased, as keyed hashes of numbers, user ids and answers, so that neither an old
-- backup nor an old entry of the outbox brings them back. A restore may have made it already.
CREATE TABLE IF NOT EXISTS uic_erased (
    who TEXT PRIMARY KEY,
    at TEXT NOT NULL
) WITHOUT ROWID;
