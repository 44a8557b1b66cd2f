//! What the agent orders of the process that serves its layer: one order a line, one answer a line.

use std::{io, os::unix::net::UnixStream, path::PathBuf};

use serde::{Deserialize, Serialize};
use temblor_faults::{Damage, DiskRule, PathPattern};

use super::{
    DiskSpec,
    damage::{Cut, Flip},
    layer::Layer,
};
use crate::cluster::channel::{self, Lines};

/// An order; the first is [`Order::Mount`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Mount { data: PathBuf, spec: DiskSpec },
    Rule { occurrence: String, rule: DiskRule },
    Lift { occurrence: String },
    Damage { occurrence: String, damage: Damage, path: Option<PathPattern> },
    LosePower { occurrence: String, torn: bool },
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    Done,
    /// How many calls of servers a rule met.
    Met(u64),
    Flipped(Vec<Flip>),
    Cut(Cut),
    /// What was not synced and is gone, in words.
    Forgotten(String),
    /// It was not done: why, and the error number where the kernel gave one.
    Failed {
        why: String,
        code: Option<i32>,
    },
}

impl Told {
    /// That this is no answer to what was ordered.
    pub(super) fn odd(&self) -> io::Error {
        io::Error::other(format!("the layer's process gave an odd answer: {self:?}"))
    }
}

/// Either end of the channel.
#[derive(Debug)]
pub(super) struct Orders {
    stream: UnixStream,
    lines: Lines,
}

impl Orders {
    pub(super) fn over(stream: UnixStream) -> Self {
        Self { stream, lines: Lines::default() }
    }

    /// Has an order carried out.
    ///
    /// # Errors
    ///
    /// It was not, or the process is gone.
    pub(super) fn give(&mut self, order: &Order) -> io::Result<Told> {
        channel::write_line(&self.stream, order)?;
        match self.next()? {
            Some(Told::Failed { code: Some(code), .. }) => Err(io::Error::from_raw_os_error(code)),
            Some(Told::Failed { why, code: None }) => Err(io::Error::other(why)),
            Some(told) => Ok(told),
            None => Err(io::Error::other("the process that serves the layer is gone")),
        }
    }

    /// The next message; none: the other end is gone.
    fn next<M: serde::de::DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        loop {
            if let Some(message) = self.lines.next()? {
                return Ok(Some(message));
            }
            let mut bytes = [0; 4096];
            match nix::unistd::read(&self.stream, &mut bytes) {
                Ok(0) => return Ok(None),
                Ok(count) => self.lines.feed(&bytes[..count]),
                Err(nix::errno::Errno::EINTR) => {}
                Err(why) => return Err(why.into()),
            }
        }
    }

    fn tell(&self, told: io::Result<Told>) -> io::Result<()> {
        let told = told
            .unwrap_or_else(|why| Told::Failed { code: why.raw_os_error(), why: why.to_string() });
        channel::write_line(&self.stream, &told)
    }
}

/// The whole life of the process that serves a layer: orders come on standard input, until whoever
/// gives them is gone. Returns the exit code.
pub fn disk_main() -> i32 {
    let served = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned().and_then(|stdin| {
        let mut orders = Orders::over(UnixStream::from(stdin));
        let Some(Order::Mount { data, spec }) = orders.next()? else { return Ok(()) };
        let layer = Layer::mount(&data, spec);
        let mut layer = match layer {
            Ok(layer) => layer,
            Err(why) => return orders.tell(Err(why)),
        };
        orders.tell(Ok(Told::Done))?;
        serve(&mut layer, orders)
    });
    i32::from(served.is_err())
}

/// Carries out orders until nobody can give any more.
pub(super) fn serve(layer: &mut Layer, mut orders: Orders) -> io::Result<()> {
    while let Some(order) = orders.next()? {
        let told = carry_out(layer, order);
        orders.tell(told)?;
    }
    Ok(())
}

fn carry_out(layer: &mut Layer, order: Order) -> io::Result<Told> {
    Ok(match order {
        Order::Mount { .. } => return Err(io::Error::other("it is mounted already")),
        Order::Rule { occurrence, rule } => {
            layer.rule(&occurrence, rule);
            Told::Done
        }
        Order::Lift { occurrence } => Told::Met(layer.lift(&occurrence)),
        Order::Damage { occurrence, damage: Damage::Flip(bits), path } => {
            Told::Flipped(layer.flip(&occurrence, bits, path.as_ref())?)
        }
        Order::Damage { occurrence, damage: Damage::Cut(bytes), path } => {
            Told::Cut(layer.cut(&occurrence, bytes, path.as_ref())?)
        }
        Order::LosePower { occurrence, torn } => {
            Told::Forgotten(layer.lose_power(&occurrence, torn)?)
        }
    })
}
