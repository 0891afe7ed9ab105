UPDATE uic_records SET asked_by =
    nullif(replace(asked_by, substr(asked_by, instr(asked_by, ' ' || $1), 17), ''), '')
WHERE instr(asked_by, ' ' || $1)
