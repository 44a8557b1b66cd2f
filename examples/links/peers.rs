//! The two ends of what is measured: servers on nodes, and a client.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{now_ns, words};

const STREAM: u16 = 7;
const SINK: u16 = 9;
const CHATTER: u16 = 11;
const TRIES: u32 = 500;
/// Bytes of a round trip.
const ROUND: usize = 64;

pub(super) fn is_part(word: &str) -> bool {
    ["stream", "sink", "client"].contains(&word)
}

/// Plays a part until it is ended.
pub(super) fn play(part: &str, args: &[&str]) -> Result<(), String> {
    let address: Ipv4Addr = args.first().ok_or("no address")?.parse().map_err(words)?;
    match part {
        "stream" => stream(address),
        "sink" => sink(address),
        _ => client(address),
    }
}

/// Sends back what comes in rounds, and swallows what comes in bulk.
fn stream(address: Ipv4Addr) -> Result<(), String> {
    // The interface may get its address only in a moment.
    let listener = insist(|| TcpListener::bind((address, STREAM)))?;
    for stream in listener.incoming() {
        let mut stream = stream.map_err(words)?;
        stream.set_nodelay(true).map_err(words)?;
        std::thread::spawn(move || {
            let mut round = [0; ROUND];
            while stream.read_exact(&mut round).is_ok() {
                if round[0] == b'B' {
                    let mut room = vec![0; 1 << 20];
                    while stream.read(&mut room).is_ok_and(|count| count > 0) {}
                } else if stream.write_all(&round).is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

fn insist<T>(mut act: impl FnMut() -> std::io::Result<T>) -> Result<T, String> {
    for _ in 0..TRIES {
        if let Ok(done) = act() {
            return Ok(done);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    act().map_err(words)
}

/// Prints p50 and p99 of round trips in microseconds, and Gbit/s of one stream.
fn client(address: Ipv4Addr) -> Result<(), String> {
    let [p50, p99] = round_trips(address, 30_000)?;
    let best = (0..3).map(|_| bulk(address)).collect::<Result<Vec<f64>, String>>()?;
    let best = best.into_iter().fold(0.0, f64::max);
    println!("{p50} {p99} {best}");
    Ok(())
}

fn connect(address: Ipv4Addr) -> Result<TcpStream, String> {
    let address = SocketAddrV4::new(address, STREAM).into();
    let stream = insist(|| TcpStream::connect_timeout(&address, Duration::from_secs(1)))?;
    stream.set_nodelay(true).map_err(words)?;
    Ok(stream)
}

fn round_trips(address: Ipv4Addr, count: usize) -> Result<[f64; 2], String> {
    let mut stream = connect(address)?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let at = now_ns();
        stream.write_all(&[b'x'; ROUND]).map_err(words)?;
        stream.read_exact(&mut [0; ROUND]).map_err(words)?;
        took.push(now_ns() - at);
    }
    took.sort_unstable();
    Ok([count / 2, count * 99 / 100].map(|place| took[place] as f64 / 1e3))
}

fn bulk(address: Ipv4Addr) -> Result<f64, String> {
    let mut stream = connect(address)?;
    stream.write_all(&[b'B'; ROUND]).map_err(words)?;
    let (block, begin, mut bits) = (vec![0; 1 << 17], now_ns(), 0.0);
    while now_ns() - begin < 3_000_000_000 {
        bits += stream.write(&block).map_err(words)? as f64 * 8.0;
    }
    Ok(bits / (now_ns() - begin) as f64)
}

/// What a sink has taken in since it was last asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// Datagrams, each once.
    pub(super) came: u64,
    pub(super) copies: u64,
    pub(super) damaged: u64,
    /// Those that came after one with a higher number.
    pub(super) overtaken: u64,
    /// How late, milliseconds: mean and standard deviation.
    pub(super) mean: f64,
    pub(super) sd: f64,
    /// Bits a second from the first to the last, Ethernet headers included.
    pub(super) bits: f64,
}

#[derive(Default)]
struct Log {
    seen: std::collections::BTreeSet<u32>,
    copies: u64,
    damaged: u64,
    overtaken: u64,
    late_ms: Vec<f64>,
    bytes: Vec<usize>,
    times: Vec<i64>,
}

/// Writes down the datagrams that come, and tells whoever connects.
fn sink(address: Ipv4Addr) -> Result<(), String> {
    let socket = insist(|| UdpSocket::bind((address, SINK)))?;
    let listener = TcpListener::bind((address, SINK)).map_err(words)?;
    let log = Arc::new(Mutex::new(Log::default()));
    let told = Arc::clone(&log);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let log = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
            let _ = stream.write_all(log.words().as_bytes());
        }
    });
    let orders = TcpListener::bind((address, CHATTER)).map_err(words)?;
    std::thread::spawn(move || {
        for mut order in orders.incoming().flatten() {
            let mut said = String::new();
            if order.read_to_string(&mut said).is_ok() {
                std::thread::spawn(move || chatter(&said));
            }
        }
    });
    let mut bytes = [0; 2048];
    loop {
        let length = socket.recv(&mut bytes).map_err(words)?;
        let now = now_ns();
        log.lock().unwrap_or_else(PoisonError::into_inner).take(&bytes[..length], now);
    }
}

/// Lets a node send datagrams to others, so many a second to each, for so many seconds.
pub(super) fn order(
    node: Ipv4Addr,
    to: &[Ipv4Addr],
    rate: u32,
    seconds: u32,
) -> Result<(), String> {
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    let mut stream = TcpStream::connect((node, CHATTER)).map_err(words)?;
    stream.write_all(format!("{rate} {seconds} {}", to.join(" ")).as_bytes()).map_err(words)
}

fn chatter(said: &str) -> Option<()> {
    let mut said = said.split(' ');
    let (rate, seconds): (u32, u32) = (said.next()?.parse().ok()?, said.next()?.parse().ok()?);
    let to: Vec<Ipv4Addr> = said.filter_map(|word| word.parse().ok()).collect();
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    for number in 0..rate * seconds {
        for to in &to {
            socket.send_to(&datagram(number, 96), (*to, SINK)).ok()?;
        }
        std::thread::sleep(Duration::from_secs(1) / rate);
    }
    Some(())
}

/// A datagram: number and time of leaving, over and over.
pub(super) fn datagram(number: u32, length: usize) -> Vec<u8> {
    let mut block = number.to_le_bytes().to_vec();
    block.extend(now_ns().to_le_bytes());
    block.iter().copied().cycle().take(length.div_ceil(12) * 12).collect()
}

impl Log {
    fn take(&mut self, bytes: &[u8], now: i64) {
        let blocks: Vec<&[u8]> = bytes.chunks_exact(12).collect();
        let [first, second, third, ..] = blocks[..] else { return };
        let block = if first == second || first == third { first } else { second };
        self.damaged += u64::from(blocks.iter().any(|other| *other != block));
        let (number, sent) = block.split_at(4);
        let number = u32::from_le_bytes(number.try_into().unwrap_or_default());
        let sent = i64::from_le_bytes(sent.try_into().unwrap_or_default());
        let highest = self.seen.last().copied().unwrap_or(0);
        if !self.seen.insert(number) {
            self.copies += 1;
            return;
        }
        self.overtaken += u64::from(number < highest);
        self.late_ms.push((now - sent) as f64 / 1e6);
        self.bytes.push(bytes.len() + 42);
        self.times.push(now);
    }

    fn words(&self) -> String {
        let count = self.late_ms.len().max(1) as f64;
        let mean = self.late_ms.iter().sum::<f64>() / count;
        let variance = self.late_ms.iter().map(|late| (late - mean).powi(2)).sum::<f64>() / count;
        let took = self.times.last().unwrap_or(&1) - self.times.first().unwrap_or(&0);
        let bits = self.bytes.iter().skip(1).sum::<usize>() as f64 * 8e9 / took.max(1) as f64;
        format!(
            "{} {} {} {} {mean} {} {bits}",
            self.seen.len(),
            self.copies,
            self.damaged,
            self.overtaken,
            variance.sqrt()
        )
    }
}

/// Asks a sink what it has taken in, and lets it begin anew.
pub(super) fn taken(address: Ipv4Addr) -> Result<Taken, String> {
    let mut said = String::new();
    let mut stream = TcpStream::connect((address, SINK)).map_err(words)?;
    stream.read_to_string(&mut said).map_err(words)?;
    let numbers: Vec<f64> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [came, copies, damaged, overtaken, mean, sd, bits] = numbers[..] else {
        return Err(format!("the sink said {said}"));
    };
    let [came, copies, damaged, overtaken] =
        [came, copies, damaged, overtaken].map(|one| one as u64);
    Ok(Taken { came, copies, damaged, overtaken, mean, sd, bits })
}

/// Sends datagrams to a sink in turn from so many sockets, `apart` nanoseconds apart.
pub(super) fn send(
    address: Ipv4Addr,
    count: u32,
    flows: usize,
    length: usize,
    apart: i64,
) -> Result<(), String> {
    let sockets: Vec<UdpSocket> = (0..flows)
        .map(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))
        .collect::<Result<_, _>>()
        .map_err(words)?;
    let begin = now_ns();
    for number in 0..count {
        let left = begin + i64::from(number) * apart - now_ns();
        if left > 0 {
            std::thread::sleep(Duration::from_nanos(left as u64));
        }
        let socket = &sockets[number as usize % flows];
        socket.send_to(&datagram(number, length), (address, SINK)).map_err(words)?;
    }
    Ok(())
}
