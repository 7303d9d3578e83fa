//! Where the web page is to be, and who may come: what `mount --web` and `serve` have in common.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;

use super::report::{hinted, plain};
use crate::web::{Parts, Site};

/// `127.0.0.1:8080`
pub const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Characters of a token, at least.
const SHORTEST_TOKEN: usize = 16;

/// An address as people write it: `127.0.0.1:8080`, `localhost:8080`, or a port of this machine.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.strip_prefix("http://").unwrap_or(text);
    let text = text.trim_end_matches('/');
    if let Ok(port) = text.trim_start_matches(':').parse() {
        return Ok(SocketAddr::new(USUAL.ip(), port));
    }
    let local = text.replacen("localhost", "127.0.0.1", 1);
    let wrong = |_| "an address is like 127.0.0.1:8080".into();
    local.parse().map_err(wrong)
}

/// The token in a file that nobody else can read.
pub fn token(file: &Path) -> anyhow::Result<String> {
    let failed = |e: std::io::Error| {
        let message = format!("{}: {}", file.display(), plain(&e));
        hinted(message, "the file holds the token, and nothing else")
    };
    let mode = file.metadata().map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        let message = format!("{}: others may read the token", file.display());
        return Err(hinted(message, format!("chmod 600 {}", file.display())));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let token = text.trim();
    if token.len() < SHORTEST_TOKEN {
        let message = format!("{}: the token is too short", file.display());
        return Err(hinted(message, "openssl rand -hex 32 makes one"));
    }
    Ok(token.to_owned())
}

/// What was asked for on the command line.
pub struct PageOptions {
    pub address: SocketAddr,
    pub token_file: Option<PathBuf>,
}

impl PageOptions {
    /// Listens there, before anything else is begun: a process in a sandbox may not.
    pub fn bind(&self) -> anyhow::Result<Site> {
        let token = self.token_file.as_deref().map(token).transpose()?;
        let site = Site::bind(self.address, token.as_deref());
        site.map_err(|e| {
            let message = format!("web page on {}: {}", self.address, plain(&e));
            hinted(message, "name another address with --web ADDR")
        })
    }
}

/// Answers until the runtime ends.
pub fn open(runtime: &Runtime, site: Site, parts: Parts) {
    runtime.spawn(async move {
        if let Err(e) = site.serve(parts).await {
            tracing::error!("web page: {e}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        let check = |text: &str, expected: Option<&str>| {
            let address = address(text).ok().map(|a| a.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        };
        check("9000", Some("127.0.0.1:9000"));
        check(":9000", Some("127.0.0.1:9000"));
        check("localhost:9000", Some("127.0.0.1:9000"));
        check("http://127.0.0.1:9000/", Some("127.0.0.1:9000"));
        check("[::1]:9000", Some("[::1]:9000"));
        check("0.0.0.0:80", Some("0.0.0.0:80"));
        check("example.org:80", None);
        check("70000", None);
    }

    #[test]
    fn a_token_is_long_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let write = |text: &str, mode: u32| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            token(&file).map_err(|e| e.to_string())
        };
        assert!(
            write("0123456789abcdef\n", 0o644)
                .unwrap_err()
                .contains("others may read")
        );
        assert_eq!(
            write("0123456789abcdef\n", 0o600).unwrap(),
            "0123456789abcdef"
        );
        assert!(write("short", 0o600).unwrap_err().contains("too short"));
    }
}
