//! TAP interfaces: how the switch holds the cable of a network namespace.
//!
//! The interface gets a fixed MAC, and a permanent neighbour entry for every other port. ARP is
//! therefore no part of a link's traffic: a link that is cut in one direction stays open in the
//! other for ever (an answer that cannot come back would close it after half a minute), and a
//! link's losses are losses of what the servers sent.

#![expect(unsafe_code, reason = "interfaces are configured by ioctl, for which nix has no wrapper")]

use std::{
    fs::OpenOptions,
    io,
    net::Ipv4Addr,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
};

use super::message::{Network, PortAddress};

/// The interface's name inside its namespace.
const INTERFACE: &str = "eth0";
/// Frames that may wait for the switch.
const QUEUE: i32 = 4096;
/// Length of the header that precedes each frame (`struct virtio_net_hdr`).
pub(super) const HEADER: usize = 10;

/// From `linux/if_tun.h`.
const TUN_F_CSUM_TSO4_TSO6: i32 = 1 | 2 | 4;

mod call {
    nix::ioctl_write_ptr_bad!(set_interface, 0x4004_54ca, libc::ifreq); // TUNSETIFF
    nix::ioctl_write_int_bad!(set_offload, 0x4004_54d0); // TUNSETOFFLOAD
    nix::ioctl_write_ptr_bad!(set_address, libc::SIOCSIFADDR, libc::ifreq);
    nix::ioctl_write_ptr_bad!(set_netmask, libc::SIOCSIFNETMASK, libc::ifreq);
    nix::ioctl_write_ptr_bad!(set_mac, libc::SIOCSIFHWADDR, libc::ifreq);
    nix::ioctl_write_ptr_bad!(set_queue, libc::SIOCSIFTXQLEN, libc::ifreq);
    nix::ioctl_write_ptr_bad!(set_flags, libc::SIOCSIFFLAGS, libc::ifreq);
    nix::ioctl_write_ptr_bad!(set_neighbour, libc::SIOCSARP, libc::arpreq);
}

/// The MAC of a port: locally administered, its last byte the port.
pub(super) fn mac(port: u8) -> [u8; 6] {
    [0x02, 0x54, 0, 0, 0, port]
}

/// Tries out in this network namespace what a port needs, and leaves nothing.
pub(super) fn try_port() -> io::Result<()> {
    let own = PortAddress { port: 0, address: Ipv4Addr::new(10, 0, 0, 1) };
    let other = PortAddress { port: 1, address: Ipv4Addr::new(10, 0, 0, 2) };
    create_port(&Network { own, others: vec![other] }).map(drop)
}

/// Makes a TAP interface in this network namespace and returns the descriptor that is its cable;
/// the interface vanishes with the last copy of it.
fn create() -> io::Result<OwnedFd> {
    let tap = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let mut request = named(INTERFACE);
    request.ifr_ifru.ifru_flags =
        (libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short;
    invoke(|| {
        // SAFETY: an open TUN descriptor, and a whole ifreq that outlives the call.
        unsafe { call::set_interface(tap.as_raw_fd(), &raw const request) }
    })?;
    Ok(tap.into())
}

/// Makes this namespace's port of the switch: the interface, configured and up.
pub(super) fn create_port(network: &Network) -> io::Result<OwnedFd> {
    let tap = create()?;
    offload(&tap, true)?;
    let socket = control_socket()?;
    configure(&socket, network)?;
    bring_up(&socket, INTERFACE)?;
    network.others.iter().try_for_each(|other| add_neighbour(&socket, other))?;
    Ok(tap)
}

/// Brings `lo` up in this network namespace.
pub(super) fn loopback_up() -> io::Result<()> {
    bring_up(&control_socket()?, "lo")
}

/// Whether the kernel may hand over frames of up to 64 KiB without checksums: fast, and wrong
/// while the fate of single packets is dealt.
pub(super) fn offload(tap: &impl std::os::fd::AsFd, on: bool) -> io::Result<()> {
    let tap: BorrowedFd<'_> = tap.as_fd();
    let features = if on { TUN_F_CSUM_TSO4_TSO6 } else { 0 };
    invoke(|| {
        // SAFETY: an open TUN descriptor and a plain number.
        unsafe { call::set_offload(tap.as_raw_fd(), features) }
    })
}

fn configure(socket: &OwnedFd, network: &Network) -> io::Result<()> {
    let mut request = named(INTERFACE);
    let mut set = |call: unsafe fn(i32, *const libc::ifreq) -> nix::Result<i32>,
                   fill: &dyn Fn(&mut libc::ifreq)| {
        fill(&mut request);
        invoke(|| {
            // SAFETY: an open socket, and a whole ifreq with the member set that the call reads.
            unsafe { call(socket.as_raw_fd(), &raw const request) }
        })
    };
    set(call::set_mac, &|request| request.ifr_ifru.ifru_hwaddr = ethernet(network.own.port))?;
    // Only the machine's own root may lengthen it; 500 frames do too.
    let _ = set(call::set_queue, &|request| request.ifr_ifru.ifru_metric = QUEUE);
    set(call::set_address, &|request| request.ifr_ifru.ifru_addr = inet(network.own.address))?;
    let mask = Ipv4Addr::new(255, 255, 255, 0);
    set(call::set_netmask, &|request| request.ifr_ifru.ifru_netmask = inet(mask))
}

fn bring_up(socket: &OwnedFd, interface: &str) -> io::Result<()> {
    let mut request = named(interface);
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    invoke(|| {
        // SAFETY: an open socket, and a whole ifreq that outlives the call.
        unsafe { call::set_flags(socket.as_raw_fd(), &raw const request) }
    })
}

fn add_neighbour(socket: &OwnedFd, other: &PortAddress) -> io::Result<()> {
    // SAFETY: arpreq is plain data, for which zero is a value.
    let mut request: libc::arpreq = unsafe { std::mem::zeroed() };
    request.arp_pa = inet(other.address);
    request.arp_ha = ethernet(other.port);
    request.arp_flags = libc::ATF_PERM | libc::ATF_COM;
    for (to, from) in request.arp_dev.iter_mut().zip(INTERFACE.bytes()) {
        *to = from as libc::c_char;
    }
    invoke(|| {
        // SAFETY: an open socket, and a whole arpreq that outlives the call.
        unsafe { call::set_neighbour(socket.as_raw_fd(), &raw const request) }
    })
}

fn control_socket() -> io::Result<OwnedFd> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    Ok(socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?)
}

fn invoke(call: impl FnOnce() -> nix::Result<i32>) -> io::Result<()> {
    call().map(drop).map_err(io::Error::from)
}

fn named(interface: &str) -> libc::ifreq {
    // SAFETY: ifreq is plain data, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request
}

fn inet(address: Ipv4Addr) -> libc::sockaddr {
    let mut data = [0; 14];
    for (to, from) in data[2..6].iter_mut().zip(address.octets()) {
        *to = from as libc::c_char;
    }
    libc::sockaddr { sa_family: libc::AF_INET as u16, sa_data: data }
}

fn ethernet(port: u8) -> libc::sockaddr {
    let mut data = [0; 14];
    for (to, from) in data.iter_mut().zip(mac(port)) {
        *to = from as libc::c_char;
    }
    libc::sockaddr { sa_family: libc::ARPHRD_ETHER, sa_data: data }
}
