//! The servers whose clocks are moved, each alone on its node: how they start, whether they are
//! well, and, of those that can be asked, what time of day they believe it is.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use temblor::cluster::ServerSpec;

const POSTGRES: &str = "/usr/lib/postgresql/15/bin";

fn spec(argv: &[&str]) -> ServerSpec {
    ServerSpec {
        name: "server".into(),
        argv: argv.iter().map(ToString::to_string).collect(),
        join: Vec::new(),
        env: Vec::new(),
        files: Vec::new(),
        prepare: Vec::new(),
        user: None,
        stop_signal: "TERM".into(),
    }
}

/// How a server starts whose data goes into a folder.
pub(super) fn server(system: &str, address: Ipv4Addr, data: &Path) -> Result<ServerSpec, String> {
    let (at, data) = (address.to_string(), data.display().to_string());
    Ok(match system {
        "redis" => spec(&["redis-server", "--bind", &at, "--protected-mode", "no", "--save", ""]),
        "etcd" => {
            let [client, peer] = [2379, 2380].map(|port| format!("http://{at}:{port}"));
            let cluster = format!("n1={peer}");
            let words = ["etcd", "--name=n1", "--data-dir=etcd", "--log-level=error"];
            let mut argv: Vec<&str> = words.to_vec();
            for (name, value) in [
                ("--listen-client-urls", &client),
                ("--advertise-client-urls", &client),
                ("--listen-peer-urls", &peer),
                ("--initial-advertise-peer-urls", &peer),
                ("--initial-cluster", &cluster),
            ] {
                argv.extend([name, value]);
            }
            spec(&argv)
        }
        "postgres" => {
            let [initdb, postgres] =
                ["initdb", "postgres"].map(|name| format!("{POSTGRES}/{name}"));
            let (hba, pg) = (format!("hba_file={data}/hba.conf"), format!("{data}/pg"));
            let listen = format!("listen_addresses={at}");
            let mut server = spec(&[&postgres, "-D", &pg]);
            for setting in
                [&hba, &listen, "unix_socket_directories=", "dynamic_shared_memory_type=mmap"]
            {
                server.argv.extend(["-c".into(), setting.into()]);
            }
            server.prepare = vec![
                [&initdb, "--pgdata=pg", "--username=postgres", "--no-sync"].map(Into::into).into(),
            ];
            server.files = vec![("hba.conf".into(), "host all all all trust\n".into())];
            server.user = Some("postgres".into());
            server
        }
        "zookeeper" => {
            let mut server = spec(&[
                "java",
                "-Xmx96m",
                "-Dzookeeper.jmx.log4j.disable=true",
                "-cp",
                "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                "zoo.cfg",
            ]);
            let config = format!(
                "tickTime=500\ndataDir={data}/zk\nclientPort=2181\nclientPortAddress={at}\n\
                 4lw.commands.whitelist=*\nadmin.enableServer=false\n"
            );
            server.files = vec![("zoo.cfg".into(), config)];
            server
        }
        _ => return Err(format!("there is no system {system}")),
    })
}

/// What a server answers when it is well; of some, seconds since 1970 that it believes in.
pub(super) fn ask(system: &str, at: Ipv4Addr) -> Result<Option<i64>, String> {
    match system {
        "redis" => {
            let said = talk(at, 6379, "TIME\r\n")?;
            let seconds = said.lines().nth(2).and_then(|line| line.parse().ok());
            seconds.map(Some).ok_or(said)
        }
        "etcd" => {
            let request = format!("GET /health HTTP/1.0\r\nHost: {at}\r\n\r\n");
            let said = talk(at, 2379, &request)?;
            let well = said.contains("\"health\":\"true\"");
            let date = said.lines().find_map(|line| line.strip_prefix("Date: "));
            let seconds = date.and_then(seconds_of_date).filter(|_| well);
            seconds.map(Some).ok_or(said)
        }
        "postgres" => {
            let query = "select floor(extract(epoch from clock_timestamp()))";
            let output = Command::new("psql")
                .args(["-h", &at.to_string(), "-U", "postgres", "-Atc", query])
                .env("PGCONNECT_TIMEOUT", "2")
                .output()
                .map_err(|why| why.to_string())?;
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            said.parse().map(Some).map_err(|_| String::from_utf8_lossy(&output.stderr).into())
        }
        _ => {
            let said = talk(at, 2181, "ruok")?;
            if said == "imok" { Ok(None) } else { Err(said) }
        }
    }
}

/// Says something and returns what comes back, until nothing more does.
fn talk(at: Ipv4Addr, port: u16, words: &str) -> Result<String, String> {
    let talked = || -> std::io::Result<String> {
        let address = SocketAddrV4::new(at, port).into();
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(words.as_bytes())?;
        let (mut said, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let count = stream.read(&mut piece)?;
            said.extend(&piece[..count]);
            // Redis keeps the connection open; its answer has five lines.
            if count == 0 || port == 6379 && String::from_utf8_lossy(&said).lines().nth(4).is_some()
            {
                return Ok(String::from_utf8_lossy(&said).into_owned());
            }
        }
    };
    talked().map_err(|why| why.to_string())
}

const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// `Sun, 22 Nov 2026 18:08:14 GMT`: seconds since 1970.
fn seconds_of_date(date: &str) -> Option<i64> {
    let words: Vec<&str> = date.split_whitespace().collect();
    let [_, day, month, year, time, _] = words.as_slice() else { return None };
    let month = MONTHS.find(month)? as i64 / 3 + 1;
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let parts: Vec<i64> = time.split(':').filter_map(|part| part.parse().ok()).collect();
    let [hour, minute, second] = parts.as_slice() else { return None };
    // Days of the Gregorian calendar, counted from March so that leap days come last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}
