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
    previous_event_ids TEXT NOT NULL DEFAULT ''
);

-- To what the codes belong, as the program says when it begins: a name, and a keyed check value of it.
CREATE TABLE uic_marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
