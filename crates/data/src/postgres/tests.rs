//! The transaction and the preparation by themselves: as if there were no look at the statement before,
//! and for a role that may write.

use std::str::FromStr;

use tokio_postgres::Config;

use super::ask;
use super::server::{READER, server};
use super::session::{self, Broken};
use crate::query::{Limits, Rows, Stop};

const DATA: &str = "
    CREATE TABLE genre (id int PRIMARY KEY, name text);
    INSERT INTO genre SELECT n, 'genre ' || n FROM generate_series(1, 25) n;
    CREATE SEQUENCE numbers;
    CREATE FUNCTION touch() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN DELETE FROM genre; RETURN 1; END $$;
    CREATE FUNCTION to_writing() RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM genre; RETURN 'done'; END $$;
    GRANT ALL ON SCHEMA public TO reader; GRANT ALL ON SEQUENCE numbers TO reader; GRANT ALL ON genre TO reader";

const REFUSED: &[&str] = &[
    "INSERT INTO genre VALUES (99, 'x') RETURNING id",
    "UPDATE genre SET name = 'x' RETURNING id",
    "DELETE FROM genre RETURNING id",
    "TRUNCATE genre",
    "WITH x AS (DELETE FROM genre RETURNING id) SELECT id FROM x",
    "SELECT id INTO copied FROM genre",
    "SELECT id FROM genre FOR UPDATE",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x (a int)",
    "DROP TABLE genre",
    "ALTER ROLE reader SET work_mem = '1GB'",
    "SET TRANSACTION READ WRITE",
    "COMMIT",
    "COMMIT; DELETE FROM genre",
    "SELECT 1; DELETE FROM genre",
    "SELECT 1) AS x; COMMIT; DELETE FROM genre; --",
    "COPY genre TO PROGRAM 'touch /tmp/longhaul-refused'",
    "SELECT touch()",
    "SELECT to_writing()",
    "SELECT nextval('numbers')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
];

/// What the engine lets through, and what is gone with the session.
const GONE_AFTERWARDS: &[&str] = &[
    "SELECT lo_creat(-1)",
    "SELECT set_config('work_mem', '1GB', false)",
    "SELECT pg_try_advisory_lock(4711)",
    "SELECT pg_notify('x', 'y')",
];

fn unguarded(config: &Config, sql: &str) -> Result<Rows, Broken> {
    let limits = Limits::default();
    session::run(config, limits.query_millis, &Stop::default(), async |client| {
        let prepared = ask::prepare(client, sql).await?;
        ask::run(client, &prepared, &limits).await
    })
}

#[test]
fn no_transaction_writes_even_for_a_role_that_may() {
    let server = server();
    server.database("fences", DATA);
    let config = Config::from_str(&server.url(READER, "fences")).unwrap();
    let everything = || {
        server.owner(
            "fences",
            "SELECT md5(string_agg(id || name, ',' ORDER BY id)) FROM genre;
             SELECT last_value::text, is_called::text FROM numbers;
             SELECT count(*)::text FROM pg_largeobject_metadata;
             SELECT relname FROM pg_class WHERE oid > 16000 ORDER BY 1;
             SELECT rolsuper::text, rolconfig::text FROM pg_roles WHERE rolname = 'reader';
             SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'",
        )
    };
    let before = everything();
    for sql in REFUSED {
        let answer = unguarded(&config, sql);
        assert!(matches!(answer, Err(Broken::Engine(_))), "`{sql}` was run: {:?}", answer.ok());
    }
    for sql in GONE_AFTERWARDS {
        // Which of them are refused differs between versions.
        let _ = unguarded(&config, sql);
    }
    // A session that is closed is gone a moment later.
    let begun = std::time::Instant::now();
    while everything() != before {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?} was {before:?}", everything());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(!std::path::Path::new("/tmp/longhaul-refused").exists());
    // The statements would have written: the role may.
    let mut may = server.owner("fences", "SELECT has_table_privilege('reader', 'genre', 'DELETE')");
    assert_eq!(may.remove(0), [Some("t".to_owned())]);
}
