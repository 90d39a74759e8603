//! A real PostgreSQL server for the tests of a program: on a port of its own of 127.0.0.1, in a folder
//! of its own, gone when the program ends, however it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use longhaul_data::Connections;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The superuser of the server, and a role that may log in and nothing else.
const OWNER: &str = "owner";
pub(crate) const READER: &str = "reader";
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// Makes a server and holds it until its input ends: that is, until whoever started it is gone.
const SCRIPT: &str = r#"
set -e
trap '' INT
folder=$(mktemp -d "${TMPDIR:-/tmp}/longhaul-postgres-XXXXXX")
trap 'rm -rf "$folder"' EXIT
printf '%s' "$PASSWORD" > "$folder/password"
"$BIN/initdb" -D "$folder/data" -A scram-sha-256 -U "$OWNER" --pwfile="$folder/password" --no-sync -E UTF8 \
    --locale=C > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
"$BIN/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
    -o "-p $PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" start > /dev/null \
    || { cat "$folder/log"; exit 1; }
echo ready
cat > /dev/null
"$BIN/pg_ctl" -D "$folder/data" -m immediate -w stop > /dev/null
"#;

pub(crate) struct Server {
    port: u16,
    /// Closed when this program ends.
    _input: Mutex<ChildStdin>,
}

/// The server of this program, started by whoever asks first.
///
/// # Panics
/// If PostgreSQL is not there; the message says how to get it.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let bin = programs();
        let mut said = String::new();
        // Another program may take the port meanwhile.
        for _ in 0..5 {
            match start(&bin) {
                Ok(server) => return server,
                Err(why) => said = why,
            }
        }
        panic!("PostgreSQL does not start: {said}");
    })
}

fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().expect(
        "these tests need a PostgreSQL server, not a running one (Debian: apt-get install postgresql)",
    )
}

fn start(bin: &PathBuf) -> Result<Server, String> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    // The server refuses to run as root.
    let mut command = if is_root { Command::new("runuser") } else { Command::new("sh") };
    if is_root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    let mut child = command
        .args(["-c", SCRIPT])
        .env("BIN", bin)
        .env("PORT", port.to_string())
        .env("OWNER", OWNER)
        .env("PASSWORD", PASSWORD)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).map_err(|error| error.to_string())?;
    if line.trim() != "ready" {
        output.read_to_string(&mut line).map_err(|error| error.to_string())?;
        let _ = child.wait();
        return Err(line);
    }
    let server = Server { port, _input: Mutex::new(child.stdin.take().unwrap()) };
    server.owner("postgres", &format!("CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'"));
    Ok(server)
}

impl Server {
    /// The address of a database for a role.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database of these statements, which the reader may read, and a connection to it of the
    /// same name.
    pub(crate) fn database(&self, name: &str, sql: &str) -> Connections {
        self.owner("postgres", &format!("CREATE DATABASE {name}"));
        self.owner(name, sql);
        self.owner(name, &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"));
        let mut connections = Connections::default();
        connections.add(name, &self.url(READER, name)).unwrap();
        connections
    }

    /// Runs statements as the superuser; gives the cells of their rows.
    pub(crate) fn owner(&self, database: &str, sql: &str) -> Vec<Vec<Option<String>>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.url(OWNER, database), NoTls).await.unwrap();
            tokio::spawn(connection);
            rows(&client, sql).await
        })
    }
}

async fn rows(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect()),
        _ => None,
    });
    rows.collect()
}
