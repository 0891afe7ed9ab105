-- Which numbers asked for the record: the newest sixteen, the newest first, a space before each. Sixteen
-- hexadecimal digits each: ten are a keyed hash of the number, six belong to the message that asked
-- first. Without it the record counts as asked for by its phone_number.
ALTER TABLE uic_records ADD COLUMN asked_by TEXT;
