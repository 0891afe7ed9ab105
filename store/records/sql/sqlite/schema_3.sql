-- Which user ids came with which numbers, as keyed hashes, so that a person is found whole by either
-- name, whatever form of the number a record has, and who asked only for what others registered.
-- up_to: the newest record then: what a number registered alone up to it is its first user id's; -1 of one
-- that moved to the number, to whom nothing of before belongs. Who was erased, or moved away, leaves a user id
-- of zeros at a number that somebody else has, who inherits nothing of hers.
-- Hashes are hexadecimal digits.
CREATE TABLE uic_links (
    number TEXT NOT NULL,
    user_id TEXT NOT NULL,
    since TEXT NOT NULL,
    up_to INTEGER NOT NULL,
    PRIMARY KEY (number, user_id)
) WITHOUT ROWID;
CREATE INDEX uic_links_user_id ON uic_links (user_id);
CREATE INDEX uic_links_up_to ON uic_links (up_to);

-- Whose user id was the first at each number.
CREATE VIEW uic_first_owners AS SELECT number, user_id, since, up_to FROM uic_links AS link
WHERE NOT EXISTS (SELECT 1 FROM uic_links AS other WHERE other.number = link.number
    AND (other.since, other.up_to < 0, other.up_to, other.user_id)
        < (link.since, link.up_to < 0, link.up_to, link.user_id));

-- Under which user ids somebody wrote before her present one: an erased person is in a backup, and in what
-- still waits, by these. Meta never gives a user id to another.
CREATE TABLE uic_former_ids (
    former TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    since TEXT NOT NULL DEFAULT (date('now'))
) WITHOUT ROWID;
CREATE INDEX uic_former_ids_user_id ON uic_former_ids (user_id);

-- The changes of numbers and user ids that are carried out, by the keyed hash of the message that told
-- of each: told again, to whichever instance, they would move what came after them. What takes several steps
-- stands there from the first on, and at is when the last was made: nobody is erased meanwhile.
CREATE TABLE uic_moves (
    message INTEGER PRIMARY KEY,
    at TEXT NOT NULL DEFAULT (datetime('now')),
    is_done BOOLEAN NOT NULL
);
CREATE INDEX uic_moves_at ON uic_moves (at);

-- Who asked for which record, by the beginning of her keyed hash, as in asked_by: so that a person is asked
-- about answers that are nearly hers, and keeps what she asked for when her number changes.
CREATE TABLE uic_asked (
    who TEXT NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (who, record)
) WITHOUT ROWID;
CREATE INDEX uic_asked_record ON uic_asked (record);
WITH RECURSIVE place (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM place WHERE n < 15)
INSERT INTO uic_asked (who, record)
SELECT substr(asked_by, 17 * n + 2, 10), id FROM uic_records, place WHERE length(asked_by) > 17 * n
ON CONFLICT DO NOTHING;

-- What may be one person twice, and what people and administrators said of it. Hashes are parts of
-- near, and what the code shows; kinds are sound, place, year, day and code. The maintenance fills uic_near and
-- finds pairs; people and administrators name some too. answers is the input_hash of the other record,
-- which need not be there.
CREATE TABLE uic_near (
    record INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (record, kind)
) WITHOUT ROWID;
CREATE INDEX uic_near_hash ON uic_near (hash, kind);
CREATE TABLE uic_pairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    record INTEGER NOT NULL,
    answers TEXT NOT NULL,
    why TEXT NOT NULL,
    said TEXT,
    decision TEXT,
    UNIQUE (record, answers)
);
CREATE INDEX uic_pairs_answers ON uic_pairs (answers);
CREATE INDEX uic_pairs_undecided ON uic_pairs (number) WHERE decision IS NULL;

-- What is known of a record goes with it: an id may be given out again, and is then to be compared
-- again.
CREATE TRIGGER uic_record_gone AFTER DELETE ON uic_records
BEGIN
    DELETE FROM uic_asked WHERE record = old.id;
    DELETE FROM uic_near WHERE record = old.id;
    DELETE FROM uic_pairs WHERE record = old.id OR answers = old.input_hash;
    UPDATE uic_links SET up_to = (SELECT coalesce(max(id), 0) FROM uic_records)
    WHERE up_to > (SELECT coalesce(max(id), 0) FROM uic_records);
    UPDATE uic_marks SET value = (SELECT coalesce(max(id), 0) FROM uic_records)
    WHERE name = 'near_end'
        AND CAST(value AS INTEGER) > (SELECT coalesce(max(id), 0) FROM uic_records);
END;
-- Of those whose row that counted goes, the oldest counts.
DROP TRIGGER uic_same_as_delete;
CREATE TRIGGER uic_same_as_delete AFTER DELETE ON uic_records
BEGIN
    UPDATE uic_records
    SET same_as = nullif((SELECT min(id) FROM uic_records WHERE same_as = old.id), id)
    WHERE same_as = old.id;
END;

-- What a record is found by goes with its number, too.
CREATE TRIGGER uic_number_gone AFTER UPDATE OF phone_number ON uic_records WHEN new.phone_number = ''
BEGIN
    DELETE FROM uic_near WHERE record = old.id;
    DELETE FROM uic_pairs WHERE record = old.id OR answers = old.input_hash;
END;
