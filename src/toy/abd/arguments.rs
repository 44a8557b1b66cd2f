//! The command lines of a node and of its status probe.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;

use super::bug::Bug;

/// A node of the embedded register store.
#[derive(Debug, Parser)]
#[command(name = "temblor toy abd", no_binary_name = true)]
pub(super) struct ServeArguments {
    /// This node's name, one of the peers'.
    #[arg(long)]
    pub(super) node: String,
    /// Where to listen, for clients and peers alike.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: SocketAddr,
    /// All nodes, this one included: n1=ADDRESS:PORT,n2=…
    #[arg(long, required = true, value_delimiter = ',', value_parser = peer)]
    #[arg(value_name = "NAME=ADDRESS:PORT,…")]
    pub(super) peers: Vec<Peer>,
    /// Where to keep the registers; made if missing.
    #[arg(long, value_name = "FOLDER")]
    pub(super) data: PathBuf,
    /// The mistake to make.
    #[arg(long, value_enum, default_value = "none")]
    pub(super) bug: Bug,
    /// When a round without a majority is abandoned, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "700", value_parser = milliseconds)]
    pub(super) round_timeout_ms: Duration,
}

/// Asks a node of the embedded store whether it reaches a majority of replicas.
#[derive(Debug, Parser)]
#[command(name = "temblor toy abd-status", no_binary_name = true)]
pub(super) struct StatusArguments {
    /// The node's address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) connect: SocketAddr,
}

/// A node and where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its name.
    pub(super) name: String,
    /// Its address.
    pub(super) address: SocketAddr,
}

fn peer(text: &str) -> Result<Peer, String> {
    let (name, address) = text.split_once('=').ok_or("a peer reads NAME=ADDRESS:PORT")?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok(Peer { name: name.to_owned(), address })
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(ms @ 1..=3_600_000) => Ok(Duration::from_millis(ms)),
        _ => Err("a number of milliseconds from 1 to 3600000".into()),
    }
}

/// Parses what follows the toy's name; an error is the exit code, after clap has had its say.
pub(super) fn parse<A: Parser>(args: &[String]) -> Result<A, i32> {
    A::try_parse_from(args.iter().skip(1)).map_err(|error| {
        // Nowhere to say it: the exit code still does.
        let _ = error.print();
        if error.use_stderr() { super::super::EXIT_USAGE } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_told_everything_by_arguments() {
        let line = "abd --node n2 --listen 127.0.0.2:7 --peers n1=127.0.0.1:7,n2=127.0.0.2:7 \
                    --data /d --bug no-write-back --round-timeout-ms 300";
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed: ServeArguments = parse(&args).unwrap();
        let peer = |name: &str, address: &str| Peer {
            name: name.into(),
            address: address.parse().unwrap(),
        };
        assert_eq!(parsed.peers, [peer("n1", "127.0.0.1:7"), peer("n2", "127.0.0.2:7")]);
        assert_eq!(parsed.bug, Bug::NoWriteBack);
        assert_eq!(parsed.round_timeout_ms, Duration::from_millis(300));
        assert_eq!(parse::<ServeArguments>(&args[..5]).unwrap_err(), 254);
    }
}
