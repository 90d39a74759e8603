//! A real PostgreSQL: described, asked within bounds, and never changed.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use longhaul_data::{ColumnKind, Connections, Dataset, Dialect, Error, Limits, QueryError, Source, Stop};
use serde_json::{Value, json};

use crate::orders;
use crate::same_answers::{answers, wanted};
use crate::server::{PASSWORD, READER, server};

fn open_with(name: &str, connections: &Connections, limits: &Limits) -> Result<Dataset, Error> {
    Dataset::open_with(&Source::one(format!("postgres:{name}")), &[], connections, limits, &Stop::default())
}

fn open(name: &str, connections: &Connections) -> Dataset {
    open_with(name, connections, &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_same_rows_answer_alike() {
    let connections = server().database("alike", &orders::as_sql("DATE", "NUMERIC(9, 2)"));
    let mut data = open("alike", &connections);
    assert_eq!(answers(&mut data), wanted());
    let [table] = data.schema().tables.as_slice() else { panic!("{:?}", data.schema()) };
    let kinds: Vec<ColumnKind> = table.columns.iter().map(|column| column.kind).collect();
    use ColumnKind::{Boolean, Date, Decimal, Integer, Text};
    assert_eq!(kinds, [Integer, Text, Date, Decimal, Integer, Boolean]);
    assert_eq!(
        (table.rows, table.sampled, table.primary_key.as_slice()),
        (Some(60), false, ["order_id".to_owned()].as_slice())
    );
    let country = table.column("country").unwrap();
    assert_eq!((country.nulls, country.distinct), (15, 3));
    assert_eq!((&country.min, &country.max), (&json!("DE"), &json!("SE")));
    assert_eq!(country.values, ["DE", "FR", "SE"]);
    assert_eq!(table.column("ordered_on").unwrap().max, json!("2021-12-20"));
    assert_eq!(table.column("paid").unwrap().min, json!(0));
    assert_eq!(data.schema().dialect, Dialect::Postgres);
    assert_eq!(data.schema().source, "alike");
    assert!(data.schema().remarks.is_empty());
}

#[test]
fn schemas_keys_views_and_what_may_not_be_read() {
    let connections = server().database(
        "shapes",
        "CREATE SCHEMA shop; CREATE SCHEMA closed;
         CREATE TABLE public.customers (id int PRIMARY KEY, name text NOT NULL, year int);
         INSERT INTO public.customers VALUES (1, 'Ada', 2019), (2, 'Bo', 2020);
         CREATE TABLE shop.\"Odd Orders\" (a int, b int, customer_id int REFERENCES public.customers, PRIMARY KEY (a, b));
         CREATE VIEW public.names AS SELECT name FROM public.customers;
         CREATE TABLE public.private (secret text);
         CREATE TABLE public.partly (open int, hidden text);
         CREATE TABLE closed.hidden (a int); GRANT SELECT ON closed.hidden TO reader;
         GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON shop.\"Odd Orders\" TO reader;
         CREATE TABLE public.days (day date, n int) PARTITION BY RANGE (day);
         CREATE TABLE public.days_2020 PARTITION OF public.days FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         INSERT INTO public.days VALUES ('2020-05-01', 1);
         CREATE TABLE public.large AS SELECT n, 'x' || n % 3 AS of_three, repeat('y', 200) AS pad FROM generate_series(1, 100000) n;
         ANALYZE public.large;",
    );
    server().owner("shapes", "REVOKE SELECT ON public.private, public.partly FROM reader; GRANT SELECT (open) ON public.partly TO reader");
    let mut data = open("shapes", &connections);
    let schema = data.schema();
    let names: Vec<&str> = schema.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["customers", "days", "large", "names", "partly", "shop.Odd Orders"]);
    let orders = schema.table("shop.Odd Orders").unwrap();
    assert_eq!(orders.primary_key, ["a", "b"]);
    let key = &orders.foreign_keys[0];
    assert_eq!(
        (key.column.as_str(), key.table.as_str(), key.to.as_str(), key.inferred),
        ("customer_id", "customers", "id", false)
    );
    assert_eq!(schema.table("customers").unwrap().column("year").unwrap().kind, ColumnKind::Year);
    assert_eq!(schema.table("partly").unwrap().columns.len(), 1);
    assert_eq!(schema.table("days").unwrap().rows, Some(1));
    let large = schema.table("large").unwrap();
    assert!(
        large.sampled && large.rows.is_some_and(|rows| (90_000..110_000).contains(&rows)),
        "{:?}",
        large.rows
    );
    assert_eq!(large.column("of_three").unwrap().distinct, 3);
    assert!(
        schema.remarks.iter().any(|remark| remark.contains("estimated") && remark.contains("large")),
        "{:?}",
        schema.remarks
    );
    assert_eq!(data.query("SELECT count(*) FROM shop.\"Odd Orders\"").unwrap().rows, [[json!(0)]]);
    let closed = data.query("SELECT * FROM private").unwrap_err();
    assert!(!closed.ran() && closed.to_string().contains("permission denied"), "{closed}");
    assert!(data.query("SELECT hidden FROM partly").is_err());
    let mut rows_read = |sql: &str| {
        let figures = data.figures(sql).unwrap();
        assert!(figures["cost"] > 0, "{sql}: {figures:?}");
        figures.get("rows_read").copied()
    };
    let all = rows_read("SELECT count(*) FROM large").unwrap();
    assert!((90_000..110_000).contains(&all), "{all}");
    assert_eq!(rows_read("SELECT max(a.n) FROM large a JOIN large b ON a.n = b.n WHERE a.n = 1"), Some(all));
    assert_eq!(rows_read("SELECT 1"), Some(0));
    assert_eq!(rows_read("SELECT name FROM names, large"), None, "nobody has counted what the view reads");
    assert!(data.figures("DROP TABLE large").is_err() && data.figures("SELECT nope FROM large").is_err());
}

#[test]
fn cells_of_every_type() {
    let connections = server().database("cells", "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let mut data = open("cells", &connections);
    for (sql, wanted) in [
        ("SELECT NULL", Value::Null),
        ("SELECT 1::smallint", json!(1)),
        ("SELECT 9223372036854775807", json!(i64::MAX)),
        ("SELECT sum(a) FROM t", json!(1)),
        ("SELECT 0.1::real", json!(0.1)),
        ("SELECT 1.5::double precision", json!(1.5)),
        ("SELECT 'NaN'::float8", Value::Null),
        ("SELECT 12.50", json!(12.5)),
        ("SELECT 12345678901234567890123", json!("12345678901234567890123")),
        ("SELECT true", json!(1)),
        ("SELECT DATE '2020-02-29'", json!("2020-02-29")),
        ("SELECT TIMESTAMP '2020-02-29 12:30:00.5'", json!("2020-02-29 12:30:00.5")),
        ("SELECT TIMESTAMPTZ '2020-02-29 12:30:00+02'", json!("2020-02-29 10:30:00+00")),
        ("SELECT INTERVAL '1 day 2 hours'", json!("1 day 02:00:00")),
        ("SELECT 'Köln'", json!("Köln")),
        ("SELECT ''", json!("")),
        ("SELECT '\\x00ff'::bytea", json!("(2 bytes)")),
        ("SELECT ARRAY[1, 2]", json!("{1,2}")),
        ("SELECT '{\"a\": [1]}'::jsonb -> 'a'", json!("[1]")),
        ("SELECT '{\"a\": [1]}'::jsonb ->> 'a'", json!("[1]")),
        ("SELECT t FROM t", json!("(1)")),
        ("SELECT 'ada'::varchar(2)", json!("ad")),
        ("SELECT a FROM t -- with a word behind it", json!(1)),
        ("SELECT a FROM t;\n", json!(1)),
        ("VALUES (7)", json!(7)),
        (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT max(x) FROM n",
            json!(5),
        ),
        ("SELECT EXTRACT(year FROM DATE '2020-02-29')", json!(2020)),
        ("SELECT to_char(DATE '2020-02-29', 'YYYY-MM')", json!("2020-02")),
        ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY g) FROM generate_series(1, 4) g", json!(2.5)),
        ("SELECT count(*) FILTER (WHERE g > 2) FROM generate_series(1, 4) AS g", json!(2)),
    ] {
        let rows = data.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).rows;
        assert_eq!(rows, [[wanted]], "{sql}");
        assert_eq!(data.check(sql), Ok(()), "{sql}");
    }
    let rows = data.query("SELECT 1 AS x, 2 AS x, 3").unwrap();
    assert_eq!(
        (rows.columns, rows.rows),
        (
            vec!["x".to_owned(), "x".to_owned(), "?column?".to_owned()],
            vec![vec![json!(1), json!(2), json!(3)]]
        )
    );
    let rows = data.query("SELECT g FROM generate_series(1, 500) g ORDER BY g DESC").unwrap();
    assert_eq!((rows.rows.len(), &rows.rows[0], &rows.rows[499]), (500, &vec![json!(500)], &vec![json!(1)]));
    for (sql, word) in [
        ("SELECT nope FROM t", "nope"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEC 1", "SELEC"),
        ("SELECT 1 +", "EOF"),
    ] {
        let error = data.query(sql).unwrap_err();
        assert!(
            !error.ran() && error.to_string().to_lowercase().contains(&word.to_lowercase()),
            "{sql}: {error}"
        );
        assert!(data.check(sql).is_err());
    }
    let failed = data.query("SELECT 1 / (a - 1) FROM t").unwrap_err();
    assert!(failed.ran() && failed.to_string().contains("division by zero"), "{failed}");
}

#[test]
fn rows_bytes_and_time_are_bounded() {
    let connections =
        server().database("bounds", "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000)");
    let few = Limits { rows: 10, ..Limits::default() };
    let mut data = open_with("bounds", &connections, &few).unwrap();
    let rows = data.query("SELECT a FROM t ORDER BY a").unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (10, true));
    let rows = data.query("SELECT a FROM t ORDER BY a LIMIT 10").unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (10, false));
    let small = Limits { result_bytes: 5_000, ..Limits::default() };
    let mut data = open_with("bounds", &connections, &small).unwrap();
    let rows = data.query("SELECT repeat('x', 1000) FROM t").unwrap();
    assert_eq!((rows.rows.len(), rows.truncated), (5, true));
    let rows = data.query("SELECT repeat('ü', 10000000)").unwrap();
    assert!(rows.rows[0][0].as_str().unwrap().len() < 3_000);
    let short = Limits { query_millis: 500, ..Limits::default() };
    let mut data = open_with("bounds", &connections, &short).unwrap();
    for sql in [
        "SELECT count(*) FROM t a, t b, t c, t d",
        "SELECT a.a FROM t a, t b, t c, t d WHERE a.a + b.a + c.a + d.a < 0",
    ] {
        let error = data.query(sql).unwrap_err();
        assert_eq!(error, QueryError::TooSlow { millis: 500 }, "{sql}");
        assert!(error.ran());
    }
    assert_eq!(data.query("SELECT 1").unwrap().rows, [[json!(1)]]);
    nobody_is_left("bounds");
}

/// Waits until no session of the reader is in a database.
fn nobody_is_left(database: &str) {
    let begun = Instant::now();
    loop {
        let sql = format!(
            "SELECT pid, state, query FROM pg_stat_activity WHERE datname = '{database}' AND usename = '{READER}'"
        );
        let left = server().owner("postgres", &sql);
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{left:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_stop_ends_a_running_query_on_the_server_too() {
    let connections =
        server().database("stops", "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000)");
    let limits = Limits { query_millis: 600_000, ..Limits::default() };
    let stop = Stop::default();
    let source = Source::one("postgres:stops");
    let mut data = Dataset::open_with(&source, &[], &connections, &limits, &stop).unwrap();
    let running = std::thread::spawn(move || data.query("SELECT count(*) FROM t a, t b, t c, t d"));
    let begun = Instant::now();
    let active = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = 'stops' AND usename = '{READER}' AND query LIKE 'FETCH%' AND state = 'active'"
    );
    while server().owner("postgres", &active).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the query does not begin");
    }
    stop.ask();
    assert_eq!(running.join().unwrap().unwrap_err(), QueryError::Stopped);
    nobody_is_left("stops");
    let again = Dataset::open_with(&source, &[], &connections, &limits, &stop);
    assert!(matches!(again, Err(Error::Stopped)));
}

#[test]
fn roles_that_may_do_more_are_not_used() {
    let server = server();
    server.database("roles", "CREATE TABLE t (a int)");
    server.owner(
        "roles",
        &format!(
            "CREATE ROLE files LOGIN PASSWORD '{PASSWORD}'; GRANT pg_read_server_files TO files;
             CREATE ROLE indirectly LOGIN PASSWORD '{PASSWORD}'; GRANT files TO indirectly;
             CREATE ROLE programs LOGIN PASSWORD '{PASSWORD}' NOINHERIT; GRANT pg_execute_server_program TO programs;"
        ),
    );
    for (role, word) in
        [("owner", "superuser"), ("files", "files"), ("indirectly", "files"), ("programs", "run programs")]
    {
        let mut connections = Connections::default();
        connections.add("roles", &server.url(role, "roles")).unwrap();
        let error = open_with("roles", &connections, &Limits::default()).err().unwrap();
        assert!(matches!(error, Error::Role { .. }), "{role}: {error}");
        let said = error.to_string();
        assert!(
            said.contains(word) && said.contains("CREATE ROLE reader") && !said.contains(PASSWORD),
            "{role}: {said}"
        );
    }
}

#[test]
fn what_cannot_be_reached_is_said_without_the_password() {
    let server = server();
    let known = server.database("reach", "CREATE TABLE t (a int)");
    let limits = Limits { schema_millis: 300, query_millis: 300, ..Limits::default() };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut wrong: BTreeMap<&str, (String, &str)> = BTreeMap::new();
    wrong.insert(
        "password",
        (server.url(READER, "reach").replace(PASSWORD, "wrong-horse"), "authentication failed"),
    );
    wrong.insert("database", (server.url(READER, "nowhere"), "does not exist"));
    wrong.insert("deaf", (format!("postgres://reader:{PASSWORD}@127.0.0.1:{deaf}/x"), "refused"));
    let port = silent.local_addr().unwrap().port();
    wrong.insert("silent", (format!("postgres://reader:{PASSWORD}@127.0.0.1:{port}/x"), "does not answer"));
    wrong.insert("tls", (server.url(READER, "reach") + "?sslmode=require", "TLS"));
    for (name, (url, word)) in wrong {
        let mut connections = Connections::default();
        connections.add(name, &url).unwrap();
        let error = open_with(name, &connections, &limits).err().unwrap();
        let said = format!("{error} {error:?}");
        assert!(matches!(error, Error::Unreachable { .. }) && said.contains(word), "{name}: {said}");
        assert!(!said.contains(PASSWORD) && !said.contains("wrong-horse"), "{said}");
    }
    let error = open_with("sales", &known, &limits).err().unwrap();
    assert_eq!(error.to_string(), "this executor has no connection called \"sales\"; it has reach");
    let source = Source::one(server.url(READER, "reach"));
    let error = Dataset::open_with(&source, &[], &known, &limits, &Stop::default()).err().unwrap();
    assert!(matches!(error, Error::Address) && !error.to_string().contains(PASSWORD));
    assert!(!source.name().contains(PASSWORD));
}
