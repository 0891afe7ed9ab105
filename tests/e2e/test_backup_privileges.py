"""Root backs up a database whose role may do little: what that role made is never run by PostgreSQL's superuser."""

import os
from urllib.parse import quote

import pytest
from processes import run_program
from production import PostgresServer
from test_backup import backups

ROLE = "nobody"  # of PostgreSQL, and of this machine
# Runs wherever the index is made, and then makes its owner the master of everything.
TRAP = """
CREATE FUNCTION uic_inner(t text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE nobody SUPERUSER'; END IF;
  RETURN t; END $$;
CREATE FUNCTION uic_outer(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RETURN public.uic_inner(t); END $$;
CREATE INDEX uic_trap ON uic_records (public.uic_outer(uic_code));
CREATE TABLE note AS SELECT 'x'::text AS t;
CREATE INDEX trap ON note (public.uic_outer(t));
CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT 'uic SUPERUSER'::text $$;
"""
RECORD = """INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at)
 VALUES ('A1', '', '\\x00', now(), now())"""


@pytest.fixture
def cluster(tmp_path):
    """As Debian has it: over the socket one is who one is on the machine, and only postgres may do everything."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes others")
    server = PostgresServer(tmp_path / "postgres")
    server.settings["unix_socket_directories"] = str(server.folder)
    server.start()
    server.query(f"CREATE ROLE postgres LOGIN SUPERUSER; CREATE ROLE {ROLE} LOGIN")
    server.query(f"CREATE DATABASE codes OWNER {ROLE}")
    (server.folder / "data/pg_hba.conf").write_text("local all all peer\nhost all all 127.0.0.1/32 trust\n")
    server.process.send_signal(1)
    settings = {"DATABASE_URL": f"postgresql://{ROLE}@127.0.0.1:{server.port}/codes"}
    assert run_program("init-db", cwd=tmp_path, **settings).returncode == 0
    yield server
    server.remove()


def socket_url(cluster):
    return f"postgresql://{ROLE}@/codes?host={quote(str(cluster.folder), safe='')}&port={cluster.port}"


def as_role(cluster, sql):
    path = cluster.folder / "role.sql"
    path.write_text(f"SET SESSION AUTHORIZATION {ROLE};\n{sql}")
    cluster.query_file(path, "codes")


def is_superuser(cluster):
    return cluster.query(f"SELECT rolsuper FROM pg_roles WHERE rolname = '{ROLE}'")


def test_a_trap_in_the_database_is_not_sprung(cluster, script, tmp_path):
    as_role(cluster, TRAP)
    as_role(cluster, RECORD)
    done = script("backup", "--directory", "kept", DATABASE_URL=socket_url(cluster))
    assert done.returncode == 0, done.stderr
    assert "relue et comptée dans une base provisoire" in done.stdout
    assert is_superuser(cluster) == [("f",)]

    (backup,) = backups(tmp_path / "kept")
    done = script("restore", "--force", backup, DATABASE_URL=socket_url(cluster))
    assert done.returncode == 0, done.stderr
    assert is_superuser(cluster) == [("f",)]
    assert cluster.query("SELECT count(*) FROM uic_records", "codes") == [("1",)]
    assert cluster.query("SELECT count(*) FROM pg_database WHERE datname LIKE '%verify%'") == [("0",)]


def test_a_role_that_may_not_enter_the_copy_has_its_backup_counted(cluster, script):
    (cluster.folder / "data/pg_hba.conf").write_text(
        "local all postgres peer\nlocal codes all peer\nhost all all 127.0.0.1/32 trust\n")
    cluster.process.send_signal(1)
    as_role(cluster, RECORD)
    done = script("backup", "--directory", "kept", DATABASE_URL=socket_url(cluster))
    assert done.returncode == 0, done.stderr
    assert "(1 code)" in done.stdout and "no temporary database" in done.stdout
    assert cluster.query("SELECT count(*) FROM pg_database WHERE datname LIKE '%verify%'") == [("0",)]
