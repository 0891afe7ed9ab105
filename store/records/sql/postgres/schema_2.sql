-- What is kept besides the number, for who hides it, and for one person under two codes.
ALTER TABLE uic_records
    -- A keyed hash of the user id that came with, or instead of, phone_number.
    ADD COLUMN user_id bytea,
    -- Keyed hashes of the answers, each time without one of them: five bytes each.
    ADD COLUMN near bytea,
    -- The row that counts in this one's place; only an administrator sets it.
    ADD COLUMN same_as bigint REFERENCES uic_records (id) ON DELETE SET NULL;
CREATE INDEX uic_records_user_id ON uic_records (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX uic_records_same_as ON uic_records (same_as) WHERE same_as IS NOT NULL;

-- Whose records were erased, as keyed hashes of numbers, user ids and answers, so that neither an old
-- backup nor an old entry of the outbox brings them back. A restore may have made it already.
CREATE TABLE IF NOT EXISTS uic_erased (
    who bytea PRIMARY KEY,
    at timestamptz NOT NULL
);
