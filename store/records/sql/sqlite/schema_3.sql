-- Which user ids came with which numbers, as keyed hashes, so that a person is found whole by either
-- name, where no record of hers says it: who asks only for what others registered. Hashes are hexadecimal
-- digits.
CREATE TABLE uic_links (
    number TEXT NOT NULL,
    user_id TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (number, user_id)
) WITHOUT ROWID;
CREATE INDEX uic_links_user_id ON uic_links (user_id);

-- Who asked for which record that has near, by the beginning of her keyed hash, as in asked_by: so that
-- a person is asked about answers that are nearly hers.
CREATE TABLE uic_asked (
    who TEXT NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (who, record)
) WITHOUT ROWID;
CREATE INDEX uic_asked_record ON uic_asked (record);

-- What may be one person twice, and what people said of it. The maintenance fills both; answers is the
-- input_hash of the other record, which need not be there.
CREATE TABLE uic_near (
    kind INTEGER NOT NULL,
    hash TEXT NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (hash, kind, record)
) WITHOUT ROWID;
CREATE INDEX uic_near_record ON uic_near (record);
CREATE TABLE uic_pairs (
    record INTEGER NOT NULL,
    answers TEXT NOT NULL,
    why TEXT NOT NULL,
    said TEXT,
    decision TEXT,
    PRIMARY KEY (record, answers)
) WITHOUT ROWID;
CREATE INDEX uic_pairs_answers ON uic_pairs (answers);

-- What is known of a record goes with it: an id may be given out again.
CREATE TRIGGER uic_near_delete AFTER DELETE ON uic_records
BEGIN
    DELETE FROM uic_asked WHERE record = old.id;
    DELETE FROM uic_near WHERE record = old.id;
    DELETE FROM uic_pairs WHERE record = old.id OR answers = old.input_hash;
END;
