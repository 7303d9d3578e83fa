//! The options after `-o`: those of this mount, those that mount(8) takes for itself, and unknown ones.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use fuser::{Config, MountOption, SessionACL};
use rustix::mount::MountFlags;

use super::Error;
use super::attributes::AttrOverrides;
use crate::faults;

/// How to mount.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// For the kernel, besides those that every mount has.
    flags: Vec<MountOption>,
    /// Who may look; see [`default_acl`].
    acl: Option<SessionACL>,
    pub(super) overrides: AttrOverrides,
    /// Whether unknown options are passed over.
    sloppy: bool,
    /// Whether the kernel may read originals by itself where it can.
    pub passthrough: bool,
    /// Whether the kernel may remember names, where it can be told that they are outdated.
    pub epochs: bool,
    /// Whether the process that mounts is to reach nothing but what it needs.
    pub sandbox: bool,
}

impl Default for MountOptions {
    fn default() -> Self {
        Self {
            flags: Vec::new(),
            acl: None,
            overrides: AttrOverrides::default(),
            sloppy: false,
            passthrough: true,
            epochs: !faults::is_asked("no-epochs"),
            sandbox: false,
        }
    }
}

impl MountOptions {
    /// Reads options as mount(8) gives them, between commas.
    ///
    /// # Errors
    /// For a word that neither this program nor mount(8) knows.
    pub fn parse(list: &str) -> Result<Self, Error> {
        let words = || list.split(',').filter(|word| !word.is_empty());
        let mut options = Self {
            sloppy: words().any(|word| word == "sloppy"),
            ..Self::default()
        };
        words().try_for_each(|word| options.take(word))?;
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
            "sandbox" => {
                self.sandbox = true;
                return Ok(());
            }
            "default_permissions" => MountOption::DefaultPermissions,
            _ if is_for_mount(word) => return Ok(()),
            _ => return self.show(word),
        };
        self.flags.push(flag);
        Ok(())
    }

    /// An option with a value: whose the files are and who may do what.
    fn show(&mut self, word: &str) -> Result<(), Error> {
        let wrong = || Error::UnknownOption(word.to_owned());
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let place = match key {
            "uid" => &mut self.overrides.uid,
            "gid" => &mut self.overrides.gid,
            "umask" => &mut self.overrides.umask,
            _ if self.sloppy => return Ok(()),
            _ => return Err(wrong()),
        };
        let radix = if key == "umask" { 8 } else { 10 };
        let number = u32::from_str_radix(value, radix).map_err(|_| wrong())?;
        if key == "umask" && number > 0o777 {
            return Err(wrong());
        }
        *place = Some(number);
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
        config.acl = self.acl.unwrap_or(default_acl(source, is_root));
        config.mount_options = self.mount_options(source, is_root, config.acl);
        // Four also on a small machine: a thread may be in a system call of its own while others are asked. A
        // descriptor for each gives each its own queue.
        config.n_threads = Some(cores.max(4));
        config.clone_fd = true;
        config
    }

    /// What fusermount3 is told for photos below `source`, between commas.
    pub(super) fn for_fusermount(&self, source: &Path) -> String {
        let Config {
            mount_options, acl, ..
        } = self.config(source);
        let everybody = (acl != SessionACL::Owner).then(|| "allow_other".to_owned());
        let name = format!("fsname={}", name(source, false));
        let words = mount_options.iter().filter_map(fusermount_name);
        let words: Vec<_> = words.chain([name]).chain(everybody).collect();
        words.join(",")
    }

    /// What mount(2) is told for photos below `source`: flags, and words for FUSE, a comma before each.
    pub(super) fn for_kernel(&self, source: &Path) -> (MountFlags, String) {
        let Config {
            mount_options, acl, ..
        } = self.config(source);
        let flags = mount_options.iter().filter_map(kernel_flag).collect();
        let mut words = String::new();
        if mount_options.contains(&MountOption::DefaultPermissions) {
            words += ",default_permissions";
        }
        if acl != SessionACL::Owner {
            words += ",allow_other";
        }
        (flags, words)
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

/// Who may look when nobody said. A mount by root is for everybody where the source is: names and texts of photos show
/// in folders that are open to all who may look. FUSE lets nobody but the one who mounts look otherwise.
fn default_acl(source: &Path, is_root: bool) -> SessionACL {
    match is_root && source.ancestors().all(is_open) {
        true => SessionACL::All,
        false => SessionACL::Owner,
    }
}

/// Whether everybody may list a folder and enter it.
fn is_open(folder: &Path) -> bool {
    let mode = folder.metadata().map_or(0, |m| m.mode());
    mode & 0o005 == 0o005
}

/// How the kernel calls an option that holds for every file system.
fn kernel_flag(option: &MountOption) -> Option<MountFlags> {
    Some(match option {
        MountOption::RO => MountFlags::RDONLY,
        MountOption::NoSuid => MountFlags::NOSUID,
        MountOption::NoDev => MountFlags::NODEV,
        MountOption::NoExec => MountFlags::NOEXEC,
        MountOption::NoAtime => MountFlags::NOATIME,
        MountOption::Sync => MountFlags::SYNCHRONOUS,
        MountOption::DirSync => MountFlags::DIRSYNC,
        _ => return None,
    })
}

/// How fusermount3 calls an option; `None` for the name, which it wants in a form of its own, and what is never passed on.
fn fusermount_name(option: &MountOption) -> Option<String> {
    let word = match option {
        MountOption::CUSTOM(word) => word,
        MountOption::RO => "ro",
        MountOption::NoSuid => "nosuid",
        MountOption::Suid => "suid",
        MountOption::NoDev => "nodev",
        MountOption::Dev => "dev",
        MountOption::NoExec => "noexec",
        MountOption::Exec => "exec",
        MountOption::NoAtime => "noatime",
        MountOption::Atime => "atime",
        MountOption::Sync => "sync",
        MountOption::DirSync => "dirsync",
        MountOption::DefaultPermissions => "default_permissions",
        _ => return None,
    };
    Some(word.to_owned())
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
    const WORDS: [&str; 23] = [
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
        "sloppy",
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
    fn owners_and_permissions_can_be_given() {
        let overrides = |list| MountOptions::parse(list).unwrap().overrides;
        let expected = AttrOverrides {
            uid: Some(1000),
            gid: Some(100),
            umask: Some(0o27),
        };
        assert_eq!(overrides("uid=1000,gid=100,umask=027"), expected);
        assert_eq!(overrides("rw"), AttrOverrides::default());
        for wrong in ["uid=me", "umask=9", "umask=7777", "gid="] {
            assert!(MountOptions::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sloppy_passes_over_what_is_unknown_wherever_it_stands() {
        assert!(MountOptions::parse("colour=blue,sloppy,uid=3").is_ok());
        assert!(MountOptions::parse("sloppy,uid=x").is_err());
    }

    #[test]
    fn a_mount_by_root_is_for_everybody_where_the_source_is() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let set = |mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(folder.path(), mode).unwrap();
        };
        set(0o755);
        assert_eq!(default_acl(folder.path(), true), SessionACL::All);
        assert_eq!(default_acl(folder.path(), false), SessionACL::Owner);
        for closed in [0o700, 0o751, 0o754] {
            set(closed);
            assert_eq!(default_acl(folder.path(), true), SessionACL::Owner);
        }
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
