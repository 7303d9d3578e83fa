//! Landlock: from here on this process reaches its source, its own folders and its sockets, and nothing else.
//!
//! What is allowed is a plain value, worked out first. It holds for every thread and program that is started afterwards, so
//! it comes before all of them; mounting and unmounting are refused to it as well, and are left to the guard. The one program
//! that may be started is this one, to decode pictures in, which gives up the rest: see `decoding`.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus,
};

use crate::app;
use crate::cli::report::hinted;
use crate::config::{self, Config, control_sockets};

/// What a mount needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Files, and folders with everything below them.
    reads: Vec<PathBuf>,
    /// Folders in which anything may be made and removed.
    owns: Vec<PathBuf>,
    /// What this program is made of.
    runs: Vec<PathBuf>,
    devices: Vec<PathBuf>,
    /// TCP ports of servers.
    ports: BTreeSet<u16>,
}

/// What names of servers, certificates and times are looked up in, and the names of processes.
const SYSTEM: [&str; 25] = [
    "/proc",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/usr/share/zoneinfo",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/class/power_supply",
];

const DEVICES: [&str; 2] = ["/dev/fuse", "/dev/null"];

/// The newest rights that are asked for; what an older kernel doesn't know of stays open, and is said.
const RIGHTS: ABI = ABI::V5;

impl Reach {
    /// What the catalog of a source needs. Makes the folders that are its own.
    ///
    /// # Errors
    /// When there is no place for a catalog, or a folder can't be made.
    pub fn of(source: &Path, config: &Config) -> anyhow::Result<Self> {
        let file = app::catalog_path(source, config)?;
        let sockets = control_sockets(&file, &app::env);
        let files = [file].into_iter().chain(sockets);
        let folders = files.filter_map(|file| file.parent().map(Path::to_owned));
        let caches = [
            config::previews_folder(&app::env),
            config::copies_folder(&app::env),
            config::thumbnails_folder(&app::env),
        ];
        let folders: BTreeSet<_> = folders.chain(caches.into_iter().flatten()).collect();
        folders.iter().try_for_each(|folder| private(folder))?;
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| app::env(name).map(PathBuf::from));
        let keys = config.provider.iter().filter_map(|p| p.key_file(&app::env));
        let reads = SYSTEM.into_iter().map(PathBuf::from);
        let reads = reads.chain(named.into_iter().flatten()).chain(keys);
        let reads = reads.chain(supplies());
        Ok(Self {
            reads: reads.chain([source.to_owned()]).collect(),
            owns: folders.into_iter().collect(),
            runs: mapped(),
            devices: DEVICES.map(PathBuf::from).into(),
            ports: ports(config, &app::env),
        })
    }

    /// Limits this process to it.
    ///
    /// # Errors
    /// When the kernel can't, or something runs already that would not be limited.
    pub fn enter(&self) -> anyhow::Result<()> {
        let threads = std::fs::read_dir("/proc/self/task")?.count();
        anyhow::ensure!(threads == 1, "sandbox: {threads} threads run already");
        let entered = self.rules().and_then(RulesetCreated::restrict_self);
        match entered
            .map_err(|e| anyhow::anyhow!("sandbox: {e}"))?
            .ruleset
        {
            RulesetStatus::FullyEnforced => {}
            RulesetStatus::PartiallyEnforced => tracing::warn!(
                "sandbox: this kernel's Landlock is older and leaves open some of: cutting files off, moving them between \
                 folders, connections to other ports, commands to devices"
            ),
            RulesetStatus::NotEnforced => {
                return Err(hinted(
                    "sandbox: this kernel has no Landlock",
                    "add landlock to the kernel's lsm= parameter, or mount without the sandbox",
                ));
            }
        }
        Ok(())
    }

    fn rules(&self) -> Result<RulesetCreated, RulesetError> {
        let files = AccessFs::from_all(RIGHTS);
        let mut rules = Ruleset::default()
            .handle_access(files)?
            .handle_access(AccessNet::from_all(RIGHTS))?
            .create()?;
        let looks = AccessFs::ReadFile | AccessFs::ReadDir;
        let devices = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
        // Programs that are made here would be of no use to anybody.
        let owns = files & !BitFlags::from(AccessFs::Execute);
        let runs = AccessFs::ReadFile | AccessFs::Execute;
        for (paths, access) in [
            (&self.reads, looks),
            (&self.owns, owns),
            (&self.runs, runs),
            (&self.devices, devices),
        ] {
            for path in paths {
                rules = allow(rules, path, access)?;
            }
        }
        for &port in &self.ports {
            rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        Ok(rules)
    }
}

/// What isn't there need not be allowed.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(place) = PathFd::new(path) else {
        return Ok(rules);
    };
    let access = match path.is_dir() {
        true => access,
        false => access & AccessFs::from_file(RIGHTS),
    };
    rules.add_rule(PathBeneath::new(place, access))
}

/// The files whose code is in this process: the program, its libraries, and what loads them.
fn mapped() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let code = maps.lines().filter(|line| line.contains(" r-xp "));
    let paths = code.filter_map(|line| Some(line[line.find('/')?..].into()));
    paths.collect()
}

/// What the links there lead to: batteries and plugs.
fn supplies() -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir("/sys/class/power_supply").into_iter();
    let links = entries.flatten().flatten().map(|entry| entry.path());
    // One that was taken away meanwhile gives nothing.
    links.filter_map(|link| link.canonicalize().ok())
}

fn private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The ports of servers, and of the proxies on the way to them. Names are looked up by TCP where UDP isn't enough.
fn ports(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> BTreeSet<u16> {
    const PROXIES: [&str; 6] = [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ];
    const NAMES: u16 = 53;
    let urls = config.provider.iter().map(|p| p.address(env));
    let urls: Vec<_> = urls.filter(|url| !url.is_empty()).collect();
    if urls.is_empty() {
        return BTreeSet::new();
    }
    let proxies = PROXIES.into_iter().filter_map(env);
    let ports = urls.into_iter().chain(proxies).filter_map(|url| port(&url));
    ports.chain([NAMES]).collect()
}

fn port(url: &str) -> Option<u16> {
    // Proxies may be named without a scheme.
    let full = match url.contains("://") {
        true => url.to_owned(),
        false => format!("http://{url}"),
    };
    reqwest::Url::parse(&full).ok()?.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_those_of_servers_and_proxies() {
        let check = |url: &str, expected: Option<u16>| assert_eq!(port(url), expected, "{url}");
        check("http://127.0.0.1:1234/v1", Some(1234));
        check("https://api.example.org/v1", Some(443));
        check("http://desk", Some(80));
        check("proxy.example.org:3128", Some(3128));
        check("", None);
        assert_eq!(
            ports(&Config::default(), &|_| Some("http://proxy:3128".into())),
            [].into()
        );
    }
}
