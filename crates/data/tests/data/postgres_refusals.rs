//! What PostgreSQL must never be made to do through a query, tried on a real one.

use longhaul_data::{Dataset, Limits, QueryError, Source, Stop};

use crate::server::{Server, server};

/// Each wants more than to read the data set, or is more than one statement.
const REFUSED: &[&str] = &[
    // Writing, plainly.
    "INSERT INTO genre VALUES (99, 'x')",
    "UPDATE genre SET name = 'x'",
    "DELETE FROM genre",
    "TRUNCATE genre",
    "MERGE INTO genre g USING genre h ON g.id = h.id WHEN MATCHED THEN DELETE",
    "COPY genre TO '/tmp/longhaul-refused'",
    "COPY genre TO PROGRAM 'touch /tmp/longhaul-refused'",
    "COPY genre FROM '/etc/passwd'",
    "COPY (SELECT 1) TO STDOUT",
    // Writing, inside of reading.
    "WITH x AS (DELETE FROM genre RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO genre VALUES (99, 'x') RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE genre SET name = 'x' RETURNING *) SELECT count(*) FROM x",
    "SELECT * FROM (WITH x AS (DELETE FROM genre RETURNING id) SELECT id FROM x) y",
    "WITH x AS (SELECT 1) DELETE FROM genre",
    "SELECT * INTO copied FROM genre",
    "SELECT * INTO TEMP copied FROM genre",
    "SELECT * FROM genre FOR UPDATE",
    "SELECT * FROM genre FOR SHARE",
    "SELECT * FROM (SELECT * FROM genre FOR NO KEY UPDATE) x",
    // Changing what there is.
    "CREATE TABLE x (a int)",
    "CREATE TEMP TABLE x (a int)",
    "CREATE TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT 1",
    "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "CREATE ROLE x SUPERUSER",
    "CREATE DATABASE x",
    "ALTER TABLE genre ADD COLUMN x int",
    "ALTER ROLE reader SUPERUSER",
    "ALTER SYSTEM SET fsync = off",
    "DROP TABLE genre",
    "GRANT ALL ON genre TO reader",
    "COMMENT ON TABLE genre IS 'x'",
    "REFRESH MATERIALIZED VIEW x",
    "VACUUM",
    "ANALYZE genre",
    "REINDEX TABLE genre",
    "CLUSTER",
    // The session and its transaction.
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "SET TRANSACTION READ WRITE",
    "SET statement_timeout = 0",
    "SET ROLE owner",
    "RESET ALL",
    "SHOW config_file",
    "LISTEN x",
    "NOTIFY x",
    "LOCK TABLE genre",
    "DO 'BEGIN END'",
    "CALL touch()",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "DECLARE x CURSOR FOR SELECT 1",
    "FETCH 1 FROM asked",
    "CLOSE asked",
    "DISCARD ALL",
    "CHECKPOINT",
    "LOAD 'x'",
    "EXPLAIN ANALYZE DELETE FROM genre",
    "EXPLAIN SELECT 1",
    "TABLE genre",
    "TABLE pg_authid",
    // Functions that do more than read their arguments.
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT pg_catalog.set_config('statement_timeout', '0', false)",
    "SELECT \"set_config\"('statement_timeout', '0', false)",
    "SELECT Set_Config('statement_timeout', '0', false)",
    "SELECT current_setting('config_file')",
    "SELECT pg_sleep(60)",
    "SELECT 1 FROM pg_sleep(60)",
    "SELECT * FROM genre WHERE pg_sleep(60) IS NULL",
    "SELECT id FROM genre ORDER BY pg_sleep(60)::text",
    "SELECT pg_notify('x', 'y')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT lo_creat(-1)",
    "SELECT lo_create(4711)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/longhaul-refused')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('.')",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_reload_conf()",
    "SELECT pg_stat_reset()",
    "SELECT nextval('numbers')",
    "SELECT setval('numbers', 100)",
    "SELECT query_to_xml('DELETE FROM genre', true, true, '')",
    "SELECT table_to_xml('pg_authid', true, true, '')",
    "SELECT database_to_xml(true, true, '')",
    "SELECT dblink('', 'DELETE FROM genre')",
    "SELECT touch()",
    "SELECT public.touch()",
    "SELECT * FROM public.touch()",
    "SELECT * FROM LATERAL touch() x",
    "SELECT * FROM ROWS FROM (touch()) x",
    "SELECT CASE WHEN true THEN touch() END",
    "SELECT (SELECT touch())",
    "SELECT 1 WHERE EXISTS (SELECT touch())",
    "VALUES (touch())",
    "SELECT count(*) FILTER (WHERE touch() = 1) FROM genre",
    "SELECT sum(id) OVER (ORDER BY touch()) FROM genre",
    "SELECT id FROM genre LIMIT touch()",
    "SELECT ARRAY(SELECT touch())",
    "SELECT id FROM genre GROUP BY id HAVING touch() = 1",
    "SELECT 1 UNION SELECT touch()",
    "SELECT current_user",
    "SELECT session_user",
    "SELECT version()",
    "SELECT inet_server_addr()",
    "SELECT txid_current()",
    // What is the engine's own.
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_roles",
    "SELECT * FROM pg_catalog.pg_shadow",
    "SELECT * FROM \"pg_settings\"",
    "SELECT * FROM PG_STAT_ACTIVITY",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM genre, LATERAL (SELECT * FROM pg_user) x",
    "SELECT 1 WHERE 1 IN (SELECT 1 FROM pg_class)",
    "SELECT * FROM pg_toast.pg_toast_1",
    // More than one, by every trick.
    "SELECT 1; DELETE FROM genre",
    "SELECT 1; SELECT 2",
    "SELECT 1; COMMIT; DELETE FROM genre",
    "SELECT 1) AS x; DELETE FROM genre; --",
    "SELECT 1) x, (SELECT touch()",
    "SELECT '1\\'; DELETE FROM genre; --'",
    "SELECT $$a$$; DELETE FROM genre; SELECT $$b$$",
    "SELECT 1 /* /* */ */; DELETE FROM genre",
    "SELECT 1 -- x\r; DELETE FROM genre",
    "SELECT U&\"set\\005fconfig\"('statement_timeout', '0', false)",
    "SELECT * FROM U&\"pg\\005fauthid\"",
    // Nothing at all.
    "",
    "  ",
    ";",
    "-- nothing",
    "/* nothing */",
    "hello",
    "SELECT 1\0",
];

const DATA: &str = "
    CREATE TABLE genre (id int PRIMARY KEY, name text);
    INSERT INTO genre SELECT n, 'genre ' || n FROM generate_series(1, 25) n;
    CREATE SEQUENCE numbers;
    CREATE FUNCTION touch() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN DELETE FROM genre; RETURN 1; END $$;
    GRANT ALL ON SEQUENCE numbers TO reader";

/// All that a statement could have left behind.
fn everything(server: &Server, database: &str) -> Vec<Vec<Option<String>>> {
    server.owner(
        database,
        "SELECT 'rows', md5(string_agg(id || name, ',' ORDER BY id)) FROM genre;
         SELECT 'numbers', last_value::text, is_called::text FROM numbers;
         SELECT 'objects', count(*)::text FROM pg_largeobject_metadata;
         SELECT 'tables', relname, relkind::text, relnatts::text, relfilenode::text, relacl::text, reltuples::text
             FROM pg_class WHERE relname NOT LIKE 'pg_%' AND oid > 16000 ORDER BY 2, 3;
         SELECT 'functions', proname FROM pg_proc WHERE oid > 16000 ORDER BY 2;
         SELECT 'extensions', extname FROM pg_extension ORDER BY 2;
         SELECT 'reader', rolsuper::text, rolconfig::text FROM pg_roles WHERE rolname = 'reader';
         SELECT 'comments', description FROM pg_description WHERE objoid = 'genre'::regclass;
         SELECT 'locks', count(*)::text FROM pg_locks WHERE locktype = 'advisory';
         SELECT 'prepared', count(*)::text FROM pg_prepared_xacts",
    )
}

#[test]
fn whatever_is_more_than_reading_is_refused_and_nothing_changes() {
    let server = server();
    let connections = server.database("refusals", DATA);
    let source = Source::one("postgres:refusals");
    let mut data =
        Dataset::open_with(&source, &[], &connections, &Limits::default(), &Stop::default()).unwrap();
    let before = everything(server, "refusals");
    for sql in REFUSED {
        match data.query(sql) {
            Ok(rows) => panic!("`{sql}` was run: {rows:?}"),
            Err(error) => {
                assert!(!error.ran(), "`{sql}`: {error:?}");
                assert!(data.check(sql).is_err(), "`{sql}`");
            }
        }
    }
    assert_eq!(everything(server, "refusals"), before);
    assert!(!std::path::Path::new("/tmp/longhaul-refused").exists());
    assert_eq!(data.query("SELECT count(*) FROM genre").unwrap().rows, [[serde_json::json!(25)]]);
}

/// A view of the database's own may call anything: the transaction is what holds then.
#[test]
fn what_the_database_itself_would_do_is_refused_by_the_transaction() {
    let server = server();
    let connections = server.database(
        "traps",
        &format!(
            "{DATA}; CREATE VIEW trap AS SELECT touch();
             CREATE VIEW objects AS SELECT lo_creat(-1);
             CREATE VIEW sequence AS SELECT nextval('numbers')"
        ),
    );
    let source = Source::one("postgres:traps");
    let mut data =
        Dataset::open_with(&source, &[], &connections, &Limits::default(), &Stop::default()).unwrap();
    let before = everything(server, "traps");
    for view in ["trap", "sequence"] {
        let error = data.query(&format!("SELECT * FROM {view}")).unwrap_err();
        assert!(matches!(error, QueryError::Refused { .. }), "{view}: {error:?}");
    }
    // Version 15 makes a large object in a read-only transaction; later ones refuse. It is rolled back.
    let _ = data.query("SELECT * FROM objects");
    assert_eq!(everything(server, "traps"), before);
}
