-- One row for each person. Times are UTC, 'YYYY-MM-DD HH:MM:SS.ffffff'; input_hash is 64 lower-case
-- hexadecimal digits. previous_event_ids: those before the last one, the latest first, a space before
-- each.
CREATE TABLE uic_records (
    id INTEGER PRIMARY KEY,
    uic_code TEXT NOT NULL UNIQUE,
    phone_number TEXT NOT NULL,
    input_hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    last_requested_at TEXT NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    notes TEXT,
    request_count INTEGER NOT NULL DEFAULT 1,
    last_event_id TEXT,
    previous_event_ids TEXT NOT NULL DEFAULT '',
    -- Which numbers asked for the record: the newest sixteen, the newest first, a space before each.
    -- Sixteen hexadecimal digits each: ten are a keyed hash of the number, six belong to the message
    -- that asked first. Without it the record counts as asked for by its phone_number.
    asked_by TEXT
);
CREATE INDEX uic_records_phone_number ON uic_records (phone_number);

-- What the statistics show: the sums of the rows of an hour (UTC, 'YYYY-MM-DD HH'). Triggers keep it, so
-- it is right whoever writes: a claim, an import, or an operator's DELETE. new_phones counts a number
-- with the first record that it has; requests are those that were made: erasing a person takes none away.
CREATE TABLE uic_totals (
    hour TEXT PRIMARY KEY,
    new_codes INTEGER NOT NULL,
    new_phones INTEGER NOT NULL,
    requests INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER uic_totals_insert AFTER INSERT ON uic_records
BEGIN
    INSERT INTO uic_totals
    VALUES (substr(new.created_at, 1, 13), 1,
            NOT EXISTS (SELECT 1 FROM uic_records
                        WHERE phone_number = new.phone_number AND id <> new.id),
            new.request_count)
    ON CONFLICT (hour) DO UPDATE SET
        new_codes = new_codes + 1,
        new_phones = new_phones + excluded.new_phones,
        requests = requests + excluded.requests;
END;

CREATE TRIGGER uic_totals_update AFTER UPDATE OF request_count ON uic_records
WHEN new.request_count <> old.request_count
BEGIN
    INSERT INTO uic_totals
    VALUES (substr(new.last_requested_at, 1, 13), 0, 0, new.request_count - old.request_count)
    ON CONFLICT (hour) DO UPDATE SET requests = requests + excluded.requests;
END;

CREATE TRIGGER uic_totals_delete AFTER DELETE ON uic_records
BEGIN
    INSERT INTO uic_totals
    VALUES (substr(old.created_at, 1, 13), -1,
            -(NOT EXISTS (SELECT 1 FROM uic_records WHERE phone_number = old.phone_number)), 0)
    ON CONFLICT (hour) DO UPDATE SET
        new_codes = new_codes - 1,
        new_phones = new_phones + excluded.new_phones;
END;

-- To what the codes belong, as the program says when it begins: a name, and a keyed check value of it.
CREATE TABLE uic_marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- What was erased, when (UTC) and by whom; never whose it was.
CREATE TABLE uic_audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    action TEXT NOT NULL,
    records INTEGER NOT NULL,
    author TEXT NOT NULL
);
