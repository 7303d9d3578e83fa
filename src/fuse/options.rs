//! The options after `-o`: those of this mount, those that mount(8) takes for itself, and unknown ones.

use std::path::Path;

use fuser::{Config, MountOption, SessionACL};

use super::Error;

/// How to mount.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// For the kernel, besides those that every mount has.
    flags: Vec<MountOption>,
    /// Who may look; by default everybody when root mounts.
    acl: Option<SessionACL>,
    /// Whether the kernel may read originals by itself where it can.
    pub passthrough: bool,
}

impl Default for MountOptions {
    fn default() -> Self {
        Self {
            flags: Vec::new(),
            acl: None,
            passthrough: true,
        }
    }
}

impl MountOptions {
    /// Reads options as mount(8) gives them, between commas.
    ///
    /// # Errors
    /// For a word that neither this program nor mount(8) knows.
    pub fn parse(list: &str) -> Result<Self, Error> {
        let mut options = Self::default();
        for word in list.split(',').filter(|word| !word.is_empty()) {
            options.take(word)?;
        }
        Ok(options)
    }

    fn take(&mut self, word: &str) -> Result<(), Error> {
        let flag = match word {
            "ro" => MountOption::RO,
            "atime" | "relatime" | "strictatime" => MountOption::Atime,
            "suid" => MountOption::Suid,
            "dev" => MountOption::Dev,
            "exec" => MountOption::Exec,
            "sync" => MountOption::Sync,
            "dirsync" => MountOption::DirSync,
            "allow_other" => return self.allow(SessionACL::All),
            "allow_root" => return self.allow(SessionACL::RootAndOwner),
            "default_permissions" => MountOption::DefaultPermissions,
            _ if is_for_mount(word) => return Ok(()),
            _ => return Err(Error::UnknownOption(word.to_owned())),
        };
        self.flags.push(flag);
        Ok(())
    }

    fn allow(&mut self, acl: SessionACL) -> Result<(), Error> {
        self.acl = Some(acl);
        Ok(())
    }

    /// What the session is told, for photos below `source`.
    pub(super) fn config(&self, source: &Path) -> Config {
        let is_root = rustix::process::geteuid().is_root();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut config = Config::default();
        config.acl = self.acl.unwrap_or(match is_root {
            true => SessionACL::All,
            false => SessionACL::Owner,
        });
        config.mount_options = self.mount_options(source, is_root, config.acl);
        config.n_threads = Some(cores.max(4));
        config.clone_fd = true;
        config
    }

    fn mount_options(&self, source: &Path, is_root: bool, acl: SessionACL) -> Vec<MountOption> {
        let has = |flag: MountOption| self.flags.contains(&flag);
        // As CUSTOM: fuser keeps a Subtype from the kernel when root mounts.
        let subtype = MountOption::CUSTOM("subtype=kbasefs".into());
        let mut options = vec![MountOption::FSName(name(source, is_root)), subtype];
        let cautious = [
            (MountOption::NoSuid, MountOption::Suid),
            (MountOption::NoDev, MountOption::Dev),
            (MountOption::NoExec, MountOption::Exec),
            (MountOption::NoAtime, MountOption::Atime),
        ];
        let unless = cautious
            .into_iter()
            .filter(|(_, other)| !has(other.clone()));
        options.extend(unless.map(|(flag, _)| flag));
        // Where only the owner looks, the source's own permissions hold already, and the kernel's check would keep
        // the owner from setting attributes of files without write bits.
        if acl != SessionACL::Owner && !has(MountOption::DefaultPermissions) {
            options.push(MountOption::DefaultPermissions);
        }
        options.extend(self.flags.iter().cloned());
        options
    }
}

/// The source as the mount's name. fusermount3, which users need, takes a comma for the end of it.
fn name(source: &Path, is_root: bool) -> String {
    let name = source.to_string_lossy();
    match is_root {
        true => name.into_owned(),
        false => name.replace('\\', "\\\\").replace(',', "\\,"),
    }
}

/// Options that are the default, or that mount(8), systemd and fstab keep for themselves.
fn is_for_mount(word: &str) -> bool {
    const WORDS: [&str; 22] = [
        "defaults",
        "rw",
        "noatime",
        "nodiratime",
        "diratime",
        "norelatime",
        "lazytime",
        "nosuid",
        "nodev",
        "noexec",
        "async",
        "auto",
        "noauto",
        "user",
        "nouser",
        "users",
        "owner",
        "group",
        "nofail",
        "_netdev",
        "nonempty",
        "auto_unmount",
    ];
    let prefixes = ["x-", "X-", "comment=", "fsname=", "subtype="];
    WORDS.contains(&word) || prefixes.iter().any(|p| word.starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel_options(list: &str) -> Vec<MountOption> {
        let options = MountOptions::parse(list).unwrap();
        options.mount_options(Path::new("/a,b"), true, SessionACL::All)
    }

    #[test]
    fn options_of_fstab_are_no_business_of_the_kernel() {
        let list = "defaults,rw,noauto,nofail,_netdev,x-systemd.automount,user,noatime";
        assert_eq!(kernel_options(list), kernel_options(""));
    }

    #[test]
    fn an_asked_for_option_replaces_its_opposite() {
        let options = kernel_options("exec,ro");
        assert!(options.contains(&MountOption::Exec) && options.contains(&MountOption::RO));
        assert!(!options.contains(&MountOption::NoExec));
    }

    #[test]
    fn an_unknown_option_is_named() {
        let error = MountOptions::parse("rw,colour=blue").unwrap_err();
        assert!(error.to_string().contains("colour=blue"));
    }

    #[test]
    fn a_name_keeps_its_commas() {
        assert_eq!(name(Path::new("/a,b\\c"), true), "/a,b\\c");
        assert_eq!(name(Path::new("/a,b\\c"), false), "/a\\,b\\\\c");
    }
}
