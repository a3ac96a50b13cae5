-- The roles and databases of the stack. Run by psql as the superuser, at every start: what is there
-- stays, and the passwords become those of the environment.
--
--   TEMPORAL_DB_PASSWORD  of the role temporal, which owns temporal and temporal_visibility
--   KEYS_DB_PASSWORD      of the role turnkeeper, which owns turnkeeper: the key store
--
-- No role reads another's database.
\set ON_ERROR_STOP on
\getenv temporal_password TEMPORAL_DB_PASSWORD
\getenv keys_password KEYS_DB_PASSWORD
-- A statement that fails is not written to the server's log: two of them have a password.
SET log_min_error_statement = panic;

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['temporal', 'turnkeeper']) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT format('ALTER ROLE temporal PASSWORD %L', :'temporal_password')
\gexec
SELECT format('ALTER ROLE turnkeeper PASSWORD %L', :'keys_password')
\gexec

SELECT format('CREATE DATABASE %I OWNER %I', name, owner)
FROM (VALUES
  ('temporal', 'temporal'), ('temporal_visibility', 'temporal'), ('turnkeeper', 'turnkeeper')
) AS wanted (name, owner)
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name)
\gexec

REVOKE CONNECT ON DATABASE temporal, temporal_visibility, turnkeeper FROM PUBLIC;
