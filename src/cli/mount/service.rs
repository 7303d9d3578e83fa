//! What systemd is told: that the mount is live, that it still answers, that it ends. See sd_notify(3).

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;
use std::{env, ffi, io};

use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, spawn_blocking};

use crate::cli::probe::{Health, Probe};

/// The service that this process is to be, if it is one.
pub struct Service {
    socket: Option<ffi::OsString>,
    watched: Option<Watched>,
}

/// What a watchdog asks for.
struct Watched {
    every: Duration,
    /// A process of its own, started before this one may start none any more. A thread of this one that waits for its own
    /// mount would keep that from its end.
    probe: Probe,
}

/// The service, while the mount is live.
pub struct Ready {
    socket: Option<ffi::OsString>,
    watchdog: Option<AbortHandle>,
}

impl Service {
    /// What systemd asks for.
    ///
    /// # Errors
    /// When nobody can be sent to ask the mount.
    pub fn of(mountpoint: &Path) -> io::Result<Self> {
        let socket = env::var_os("NOTIFY_SOCKET");
        let every = watchdog(&|name| env::var(name).ok()).filter(|_| socket.is_some());
        let watched = every.map(|every| {
            let probe = Probe::start(mountpoint)?;
            io::Result::Ok(Watched { every, probe })
        });
        Ok(Self {
            socket,
            watched: watched.transpose()?,
        })
    }

    /// Says that the mount is live, and from now on, where a watchdog asks for it, that it answers.
    pub fn ready(self, runtime: &Runtime) -> Ready {
        tell(self.socket.as_deref(), "READY=1");
        let watched = self.socket.clone().zip(self.watched);
        let watchdog =
            watched.map(|(socket, watched)| runtime.spawn(watch(socket, watched)).abort_handle());
        Ready {
            socket: self.socket,
            watchdog,
        }
    }
}

impl Ready {
    pub fn stopping(&self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
        tell(self.socket.as_deref(), "STOPPING=1");
    }
}

/// A mount that doesn't answer leaves the watchdog without its sign.
async fn watch(socket: ffi::OsString, watched: Watched) {
    let mut times = tokio::time::interval(watched.every);
    let mut probe = watched.probe;
    loop {
        times.tick().await;
        let asked = spawn_blocking(move || (probe.ask(), probe));
        let Ok((answer, asked)) = asked.await else {
            return;
        };
        probe = asked;
        match answer {
            Ok(Health::Lives) => tell(Some(&socket), "WATCHDOG=1"),
            Ok(_) => {}
            Err(e) => return tracing::error!("nobody asks the mount for the watchdog: {e}"),
        }
    }
}

/// How often the watchdog wants a sign: twice in the time after which it bites.
fn watchdog(env: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    let ours = env("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
    let micros: u64 = env("WATCHDOG_USEC")?.parse().ok()?;
    (ours && micros > 1).then(|| Duration::from_micros(micros / 2))
}

fn tell(socket: Option<&ffi::OsStr>, what: &str) {
    if let Some(socket) = socket
        && let Err(e) = send(socket, what)
    {
        tracing::warn!("systemd is not told {what}: {e}");
    }
}

fn send(socket: &ffi::OsStr, what: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(what.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_reaches_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let received = |socket: UnixDatagram, address: &ffi::OsStr| {
            send(address, "READY=1").unwrap();
            let mut text = [0; 16];
            let length = socket.recv(&mut text).unwrap();
            assert_eq!(&text[..length], b"READY=1");
        };
        received(UnixDatagram::bind(&path).unwrap(), path.as_os_str());
        let name = format!("kbasefs-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        received(socket, format!("@{name}").as_ref());
        assert!(send(folder.path().join("nobody").as_os_str(), "x").is_err());
    }

    #[test]
    fn a_watchdog_for_another_process_is_none() {
        let check = |pid: &str, usec: &str, expected: Option<u64>| {
            let env = |name: &str| match name {
                "WATCHDOG_PID" => Some(pid.to_owned()).filter(|p| !p.is_empty()),
                _ => Some(usec.to_owned()),
            };
            assert_eq!(watchdog(&env), expected.map(Duration::from_micros));
        };
        let own = std::process::id().to_string();
        check(&own, "20000000", Some(10_000_000));
        check("", "20000000", Some(10_000_000));
        check("1", "20000000", None);
        check(&own, "soon", None);
    }
}
