//! Extended attributes, passed through.

#![expect(unsafe_code, reason = "neither the standard library nor nix has these calls")]

use std::{
    ffi::{CString, OsStr},
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
};

use nix::errno::Errno;

/// Longest value or list that Linux knows.
const LONGEST: usize = 64 << 10;

fn text(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

pub(super) fn set(path: &Path, name: &OsStr, value: &[u8], flags: i32) -> io::Result<()> {
    let (path, name) = (text(path.as_os_str())?, text(name)?);
    // SAFETY: two C strings, and a buffer with its length; all outlive the call.
    let done = unsafe {
        libc::lsetxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), flags)
    };
    Ok(Errno::result(done).map(drop)?)
}

pub(super) fn get(path: &Path, name: &OsStr) -> io::Result<Vec<u8>> {
    let (path, name) = (text(path.as_os_str())?, text(name)?);
    let mut value = vec![0_u8; LONGEST];
    // SAFETY: two C strings, and a buffer with its length; all outlive the call.
    let length = unsafe {
        libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len())
    };
    value.truncate(Errno::result(length)? as usize);
    Ok(value)
}

pub(super) fn list(path: &Path) -> io::Result<Vec<u8>> {
    let path = text(path.as_os_str())?;
    let mut names = vec![0_u8; LONGEST];
    // SAFETY: a C string, and a buffer with its length; both outlive the call.
    let length = unsafe { libc::llistxattr(path.as_ptr(), names.as_mut_ptr().cast(), names.len()) };
    names.truncate(Errno::result(length)? as usize);
    Ok(names)
}

pub(super) fn remove(path: &Path, name: &OsStr) -> io::Result<()> {
    let (path, name) = (text(path.as_os_str())?, text(name)?);
    // SAFETY: two C strings that outlive the call.
    let done = unsafe { libc::lremovexattr(path.as_ptr(), name.as_ptr()) };
    Ok(Errno::result(done).map(drop)?)
}
