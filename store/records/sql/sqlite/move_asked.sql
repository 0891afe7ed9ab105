UPDATE uic_records SET asked_by = replace(asked_by, ' ' || $1, ' ' || $2)
WHERE id > $3 AND id <= $4 AND instr(asked_by, ' ' || $1)
