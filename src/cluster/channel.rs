//! Lines of JSON over a stream socket, and a descriptor that travels with one of them.

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use serde::{Serialize, de::DeserializeOwned};

/// Bytes of lines that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Adds what was read.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, as a message; none: there is none yet.
    pub(super) fn next<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

/// One message as a line.
pub(super) fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes one message.
pub(super) fn write_line(to: &impl AsFd, message: &impl Serialize) -> io::Result<()> {
    write_all(to.as_fd(), &line(message)?)
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(to, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(nix::errno::Errno::EINTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Ok(())
}

/// Writes one message with a descriptor beside it.
pub(super) fn write_line_with(
    to: BorrowedFd<'_>,
    message: &impl Serialize,
    descriptor: BorrowedFd<'_>,
) -> io::Result<()> {
    let line = line(message)?;
    let descriptors = [descriptor.as_raw_fd()];
    let beside = [ControlMessage::ScmRights(&descriptors)];
    let whole = [IoSlice::new(&line)];
    let sent = sendmsg::<UnixAddr>(to.as_raw_fd(), &whole, &beside, MsgFlags::MSG_NOSIGNAL, None)?;
    // What the kernel did not take goes without the descriptor, which has left.
    write_all(to, &line[sent..])
}

/// Reads what has come, and the descriptor beside it. No bytes: the other side is gone.
pub(super) fn receive(
    from: BorrowedFd<'_>,
    bytes: &mut [u8],
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut beside = nix::cmsg_space!([i32; 1]);
    let mut into = [IoSliceMut::new(bytes)];
    let message = recvmsg::<UnixAddr>(
        from.as_raw_fd(),
        &mut into,
        Some(&mut beside),
        MsgFlags::MSG_CMSG_CLOEXEC,
    )?;
    let mut descriptor = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            descriptor = numbers.first().map(|number| adopt(*number)).or(descriptor);
        }
    }
    Ok((message.bytes, descriptor))
}

#[expect(unsafe_code, reason = "nix hands received descriptors over as numbers")]
fn adopt(number: i32) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for the message's one receiver.
    unsafe { OwnedFd::from_raw_fd(number) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn lines_come_whole_whatever_the_pieces() {
        let mut lines = Lines::default();
        lines.feed(b"1\n[2,");
        assert_eq!(lines.next::<serde_json::Value>().unwrap(), Some(1.into()));
        assert_eq!(lines.next::<serde_json::Value>().unwrap(), None);
        lines.feed(b"3]\n4");
        assert_eq!(lines.next::<Vec<u8>>().unwrap(), Some(vec![2, 3]));
        assert_eq!(lines.bytes, b"4");
    }

    #[test]
    fn a_descriptor_travels_beside_its_line() {
        let (here, there) = UnixStream::pair().unwrap();
        let (reading, writing) = nix::unistd::pipe().unwrap();
        write_line_with(here.as_fd(), &"pipe", writing.as_fd()).unwrap();
        drop(writing);
        let mut bytes = [0; 64];
        let (count, descriptor) = receive(there.as_fd(), &mut bytes).unwrap();
        write_line(&descriptor.unwrap(), &7).unwrap();
        let got = nix::unistd::read(&reading, &mut bytes[count..]).unwrap();
        assert_eq!(&bytes[..count + got], b"\"pipe\"\n7\n");
    }
}
