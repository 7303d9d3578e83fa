//! Errors as people read them: one line, lower case, with a hint, and the exit code that fits.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::terminal::{is_closed_pipe, printable};
use crate::{app, config, fuse, store};

/// An error with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Hinted {
    pub message: String,
    pub hint: Option<String>,
    /// What was typed, with a mark below the place that is wrong: a mistake of usage.
    pub pointed: Option<String>,
}

/// An error to return from a command.
pub fn hinted(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    let message = message.into();
    let hint = Some(hint.into());
    Hinted {
        message,
        hint,
        pointed: None,
    }
    .into()
}

/// What clap has to say, help included: 0 for help, 2 for a mistake; `mount` says 1, as mount(8) does.
pub fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to do when the terminal is gone.
    let _ = error.print();
    let is_mount = std::env::args_os()
        .nth(1)
        .is_some_and(|a| a == "mount" || a == "umount");
    match (error.exit_code(), is_mount) {
        (0, _) => ExitCode::SUCCESS,
        (_, true) => ExitCode::from(mount_codes::USAGE),
        _ => ExitCode::from(2),
    }
}

/// mount(8)'s exit codes.
mod mount_codes {
    pub const USAGE: u8 = 1;
    pub const SYSTEM: u8 = 2;
    pub const FAILURE: u8 = 32;
}

/// Says what went wrong.
pub fn failure(error: &anyhow::Error, is_mount: bool) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    eprintln!("kbasefs: {}", line(error));
    let hinted = error.downcast_ref::<Hinted>();
    if let Some(pointed) = hinted.and_then(|h| h.pointed.as_ref()) {
        pointed.lines().for_each(|line| eprintln!("  {line}"));
        return ExitCode::from(2);
    }
    if !is_mount {
        return ExitCode::FAILURE;
    }
    ExitCode::from(match error.downcast_ref::<app::Error>() {
        Some(app::Error::Mount(fuse::Error::UnknownOption(_))) => mount_codes::USAGE,
        Some(app::Error::Store(store::Error::Lock { .. }) | app::Error::NoHome) => {
            mount_codes::SYSTEM
        }
        _ if error.is::<config::Error>() => mount_codes::USAGE,
        _ => mount_codes::FAILURE,
    })
}

/// The error on one line, with its hint.
fn line(error: &anyhow::Error) -> String {
    let message = message(error);
    let (message, own) = match message.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (message, None),
    };
    let message = printable(message.replace('\n', " ").trim_end_matches('.'));
    match own.or_else(|| hint(error)) {
        Some(hint) => format!("{message} (hint: {})", printable(&hint)),
        None => message,
    }
}

/// What went wrong and why, each thing once, and what the system says in our style.
fn message(error: &anyhow::Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        if let Some(system) = cause.downcast_ref::<io::Error>() {
            message = message.replace(&text, &plain(system));
        }
    }
    message
}

fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(hinted) = error.downcast_ref::<Hinted>() {
        return hinted.hint.clone();
    }
    if let Some(error) = error.downcast_ref::<config::Error>() {
        return Some(match error {
            config::Error::Read { .. } => "`kbasefs config init` writes one".into(),
            config::Error::Invalid { .. } => "`kbasefs config show` lists every key".into(),
        });
    }
    let hint = match error.downcast_ref::<app::Error>()? {
        app::Error::Source { .. } => "give a folder of photos that you may read",
        app::Error::NoHome => "set HOME, or name a catalog with --catalog FILE",
        app::Error::Store(store::Error::InUse { .. }) => {
            "`kbasefs status` shows mounts; wait for the other command, or umount"
        }
        app::Error::Store(store::Error::Lock { .. }) => {
            "name another place for the catalog with --catalog FILE"
        }
        app::Error::Store(store::Error::OtherSource { .. }) => {
            "a catalog is of one folder; name another file with --catalog"
        }
        app::Error::Store(store::Error::Open { .. }) => {
            "update kbasefs, or name another file with --catalog; the file is left as it is"
        }
        app::Error::Store(store::Error::NoRoom { path, bytes }) => {
            return Some(format!(
                "make {} MB free in {}; the damaged catalog is left as it is",
                bytes.div_ceil(1 << 20).saturating_mul(2),
                path.parent().unwrap_or(path).display()
            ));
        }
        app::Error::Store(store::Error::Foreign { .. }) => {
            "name another file with --catalog; this one is left as it is"
        }
        app::Error::Store(store::Error::Exists { .. }) => {
            "nothing is written over: move it away, or name another file"
        }
        app::Error::Store(store::Error::Full) => "make room; nothing that was said is lost",
        app::Error::Store(store::Error::Damaged) => {
            "mount or scan again: what can be read is taken over, and the file is kept"
        }
        app::Error::Store(_) => "is the disk full or read-only?",
        app::Error::Scan(_) => "is the disk connected? nothing was removed from the catalog",
        app::Error::Backups(_) => {
            "let that folder be read and written; `backups = 0` in the settings makes none"
        }
        app::Error::Follow(_) => "raise the limit of open files: ulimit -n",
        app::Error::Threads(_) => "raise the limit of processes: ulimit -u",
        app::Error::Provider(_) | app::Error::Remote(_) => {
            "`kbasefs config show` shows where the settings come from"
        }
        app::Error::Embedded(_) | app::Error::Mount(_) => return None,
    };
    Some(hint.into())
}

/// A path at which nothing can be found.
pub fn missing(path: &Path, error: &io::Error) -> anyhow::Error {
    hinted(
        format!("{}: {}", path.display(), plain(error)),
        "check the path",
    )
}

/// The system's words for an error, without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_its_hint_and_prints_cleanly() {
        let check = |error: anyhow::Error, expected: &str| assert_eq!(line(&error), expected);
        check(
            hinted("no photo a\u{1b}[31m", "look"),
            "no photo a\\u{1b}[31m (hint: look)",
        );
        let mountpoint = fuse::Error::NotEmpty("/m".into());
        let expected = "mountpoint /m: not empty (hint: mount on an empty folder)";
        check(app::Error::Mount(mountpoint).into(), expected);
    }

    #[test]
    fn a_cause_is_said_once_and_in_lower_case() {
        let absent = io::Error::from_raw_os_error(2);
        let path = "/p".into();
        let error = app::Error::Source {
            path,
            source: absent,
        };
        let hint = "(hint: give a folder of photos that you may read)";
        let expected = format!("/p: no such file or directory {hint}");
        assert_eq!(line(&error.into()), expected);
        let error = anyhow::Error::new(io::Error::from_raw_os_error(28)).context("writing it");
        assert_eq!(line(&error), "writing it: no space left on device");
    }
}
