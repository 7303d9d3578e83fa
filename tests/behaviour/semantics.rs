//! `doc/SEMANTICS.md` says what each call does in each kind of folder. Its tables are read here, and every row is tried
//! on a mount: the document and the program can't part.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Instant;

use kbasefs::catalog::{Act, Actor, Change, ContentHash, Deed, Facts, Format, Role, SourcePath};
use rustix::fs::{
    Access, AtFlags, CWD, FallocateFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags,
    XattrFlags,
};
use rustix::io::Errno;

use crate::fixture::{Fixture, content};
use crate::mount::{Mount, PATIENCE};

const DOCUMENT: &str = include_str!("../../doc/SEMANTICS.md");

/// The catalog of the document, mounted.
struct Example {
    mount: Mount,
    // Its source goes after the mount.
    _fixture: Fixture,
}

impl Example {
    fn new() -> Option<Self> {
        let fixture = Fixture::new(
            "a.jpg beach dog 2024-07-14; b.jpg dog 2024-07-15; trip/c.jpg cat; d.jpg; f.jpg",
        );
        // A copy of another photo.
        std::fs::write(fixture.path("e.jpg"), content("d.jpg")).unwrap();
        fixture.add("e.jpg");
        let index = fixture.library.index();
        let (known, path) = (fixture.id("a.jpg"), SourcePath::new(*b"a.jpg"));
        let photo = index.photo(known).unwrap();
        let facts = Facts {
            date: photo.date,
            camera: Some("R6".into()),
            country: Some("Italy".into()),
            city: Some("Rome".into()),
            rating: Some(5),
            title: Some("Sea".into()),
            keywords: vec!["beach".into(), "dog".into()],
            ..Facts::of(Format::Jpeg)
        };
        let found = Change::Found {
            known: Some(known),
            path,
            stat: photo.stat,
            facts: Box::new(facts),
        };
        let hash = ContentHash(*blake3::hash(&content("d.jpg")).as_bytes());
        let hashed = ["d.jpg", "e.jpg"].map(|name| {
            let id = fixture.id(name);
            let stat = index.photo(id).unwrap().stat;
            Change::Hashed { id, stat, hash }
        });
        let id = fixture.id("f.jpg");
        let failed = Change::Failed {
            id,
            stat: index.photo(id).unwrap().stat,
            reason: "no picture".into(),
        };
        let kept = Change::Acted(Box::new(Act {
            by: Actor::default(),
            words: "save".into(),
            role: Role::New,
            deeds: vec![
                Deed::Save {
                    name: "kept".into(),
                    query: Some("tag:dog".into()),
                },
                Deed::Make("empty".into()),
            ],
        }));
        let changes = [&[found][..], &hashed, &[failed, kept]].concat();
        fixture.library.commit(&changes).unwrap();
        Some(Self {
            mount: Mount::new(&fixture)?,
            _fixture: fixture,
        })
    }

    /// Makes a call as the document writes it.
    fn call(&self, call: &str) -> io::Result<()> {
        let words: Vec<_> = call.split_whitespace().collect();
        let path = |word: &str| self.mount.path(word);
        match words[..] {
            ["stat", at] => path(at).symlink_metadata().map(drop),
            ["readdir", at] => path(at).read_dir()?.try_for_each(|entry| entry.map(drop)),
            ["open", at] => File::open(path(at)).map(drop),
            ["open", "O_DIRECTORY", at] => open(path(at), OFlags::DIRECTORY),
            ["open", "O_WRONLY", at] => OpenOptions::new().write(true).open(path(at)).map(drop),
            ["open", "O_RDWR", at] => OpenOptions::new()
                .read(true)
                .write(true)
                .open(path(at))
                .map(drop),
            ["open", "O_TRUNC", at] => File::create(path(at)).map(drop),
            ["open", "O_CREAT", at] => open(path(at), OFlags::CREATE | OFlags::WRONLY),
            ["open", "O_TMPFILE", at] => open(path(at), OFlags::TMPFILE | OFlags::WRONLY),
            ["create", at] => File::create_new(path(at)).map(drop),
            ["read", at] => std::fs::read(path(at)).map(drop),
            ["copy_file_range", from, to] => {
                let (from, to) = (File::open(path(from))?, File::create_new(path(to))?);
                let whole = content("").len();
                let taken = rustix::fs::copy_file_range(from, None, &to, None, whole)?;
                assert_eq!(taken, whole);
                Ok(nix::unistd::close(to)?)
            }
            ["copy", from, to] => copy(&std::fs::read(path(from))?, path(to)),
            ["copy_of_another_file", to] => copy(b"these bytes are no photo", path(to)),
            ["copy_larger_than_any_photo", to] => copy(&vec![7; 400_000], path(to)),
            ["link", from, to] => std::fs::hard_link(path(from), path(to)),
            ["unlink", at] => std::fs::remove_file(path(at)),
            ["mkdir", at] => std::fs::create_dir(path(at)),
            ["rmdir", at] => std::fs::remove_dir(path(at)),
            ["rename", from, to] => std::fs::rename(path(from), path(to)),
            ["rename", flag, from, to] => {
                let flag = match flag {
                    "RENAME_NOREPLACE" => RenameFlags::NOREPLACE,
                    "RENAME_EXCHANGE" => RenameFlags::EXCHANGE,
                    _ => panic!("{call}"),
                };
                Ok(rustix::fs::renameat_with(
                    CWD,
                    path(from),
                    CWD,
                    path(to),
                    flag,
                )?)
            }
            ["symlink", at] => std::os::unix::fs::symlink("x", path(at)),
            ["readlink", at] => path(at).read_link().map(drop),
            ["mknod", at] => {
                let kind = FileType::Fifo;
                Ok(rustix::fs::mknodat(CWD, path(at), kind, Mode::RUSR, 0)?)
            }
            ["truncate", at] => Ok(nix::unistd::truncate(&path(at), 1)?),
            ["chmod", at] => Ok(rustix::fs::chmod(path(at), Mode::RUSR)?),
            ["chown", at] => std::os::unix::fs::chown(path(at), Some(1), Some(1)),
            ["utimensat", at] => {
                let now = crate::mount::LONG_AGO;
                Ok(rustix::fs::utimensat(
                    CWD,
                    path(at),
                    &now,
                    AtFlags::empty(),
                )?)
            }
            ["access", "W_OK", at] => Ok(rustix::fs::access(path(at), Access::WRITE_OK)?),
            ["access", "R_OK", at] => Ok(rustix::fs::access(path(at), Access::READ_OK)?),
            ["statfs", at] => Ok(rustix::fs::statfs(path(at)).map(drop)?),
            ["fsync", at] => File::open(path(at))?.sync_all(),
            ["flock", at] => {
                let file = File::open(path(at))?;
                Ok(rustix::fs::flock(file, FlockOperation::LockExclusive)?)
            }
            ["fallocate", at] => {
                let file = File::create_new(path(at))?;
                Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), 0, 9)?)
            }
            ["ioctl", at] => {
                // Asks whether it is a terminal.
                Ok(rustix::termios::tcgetattr(File::open(path(at))?).map(drop)?)
            }
            ["getxattr", at, name] => {
                Ok(rustix::fs::getxattr(path(at), name, &mut [0; 65_536][..]).map(drop)?)
            }
            ["getxattr", "1_byte", at, name] => {
                Ok(rustix::fs::getxattr(path(at), name, &mut [0; 1][..]).map(drop)?)
            }
            ["listxattr", at] => {
                Ok(rustix::fs::listxattr(path(at), &mut [0; 65_536][..]).map(drop)?)
            }
            ["listxattr", "1_byte", at] => {
                Ok(rustix::fs::listxattr(path(at), &mut [0; 1][..]).map(drop)?)
            }
            ["setxattr", at, name, value] => set(path(at), name, value, XattrFlags::empty()),
            ["setxattr", "XATTR_CREATE", at, name, value] => {
                set(path(at), name, value, XattrFlags::CREATE)
            }
            ["setxattr", "XATTR_REPLACE", at, name, value] => {
                set(path(at), name, value, XattrFlags::REPLACE)
            }
            ["removexattr", at, name] => Ok(rustix::fs::removexattr(path(at), name)?),
            _ => panic!("the test doesn't know this call: {call}"),
        }
    }

    /// What doesn't come true of what the document says of afterwards: paths that are there, `no` before those that
    /// aren't.
    fn differs<'a>(&self, afterwards: &'a str) -> Option<&'a str> {
        let mut all = afterwards.split(", ").filter(|said| !said.is_empty());
        all.find(|said| {
            let (path, is_there) = match said.strip_prefix("no ") {
                Some(path) => (path, false),
                None => (*said, true),
            };
            let path = self.mount.path(path.trim_matches('`'));
            !holds_soon(|| path.symlink_metadata().is_ok() == is_there)
        })
    }
}

/// A change reaches other folders than the one that it was made in after its commit.
fn holds_soon(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

fn open(path: PathBuf, flags: OFlags) -> io::Result<()> {
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map(drop)?)
}

fn set(path: PathBuf, name: &str, value: &str, flags: XattrFlags) -> io::Result<()> {
    Ok(rustix::fs::setxattr(path, name, value.as_bytes(), flags)?)
}

/// What `cp` does: the answer to its close is the one that counts.
fn copy(bytes: &[u8], to: PathBuf) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    let mut file = options.open(to)?;
    file.write_all(bytes)?;
    Ok(nix::unistd::close(file)?)
}

/// `ok`, or the name of the number.
fn answer(result: io::Result<()>) -> String {
    let Err(error) = result else {
        return "ok".into();
    };
    let number = error.raw_os_error().expect("a call fails with a number");
    match Errno::from_raw_os_error(number) {
        // nix knows only one of the two names.
        Errno::OPNOTSUPP => "ENOTSUP".into(),
        _ => format!("{:?}", nix::errno::Errno::from_raw(number)),
    }
}

/// The rows of the table below a heading, cell by cell, without backticks around a whole cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let section = DOCUMENT.split("\n## ").find(|s| s.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("no section {heading}"));
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let inner = row
            .trim()
            .strip_prefix('|')
            .and_then(|row| row.strip_suffix('|'));
        let inner = inner.expect("a row is between bars").split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// Tries calls, each with the answer that is written, on a catalog that nothing has changed.
struct Trial {
    example: Option<Example>,
    wrong: Vec<String>,
    tried: usize,
}

impl Trial {
    fn start() -> Option<Self> {
        Some(Self {
            example: Some(Example::new()?),
            wrong: Vec::new(),
            tried: 0,
        })
    }

    fn check(&mut self, call: &str, expected: &str, afterwards: &str) {
        let example = match self.example.take() {
            Some(example) => example,
            None => Example::new().unwrap(),
        };
        self.tried += 1;
        let found = answer(example.call(call));
        if found != expected {
            self.wrong.push(format!("{call}: {found}, not {expected}"));
        } else if let Some(said) = example.differs(afterwards) {
            self.wrong.push(format!("{call}: afterwards not {said}"));
        }
        // What is refused has changed nothing.
        self.example = (found != "ok").then_some(example);
    }

    fn end(self, at_least: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.tried >= at_least, "only {} rows", self.tried);
    }
}

#[test]
fn every_kind_of_folder_takes_the_changes_that_are_written() {
    let Some(mut trial) = Trial::start() else {
        return;
    };
    let rows = table("Changes in each kind of folder");
    let [head, _, rows @ ..] = &rows[..] else {
        panic!("a table begins with its head")
    };
    let calls: Vec<_> = head[3..].iter().map(|cell| code(cell)).collect();
    for row in rows {
        let [folder, photo, below] = [&row[0], &row[1], &row[2]].map(|cell| code(cell));
        let folder = folder.trim_end_matches('/');
        for (call, expected) in calls.iter().zip(&row[3..]) {
            if code(expected) == "—" {
                continue;
            }
            let call = call.replace("FOLDER", folder);
            let call = call.replace("PHOTO", photo).replace("BELOW", below);
            trial.check(&call, code(expected), "");
        }
    }
    trial.end(120);
}

#[test]
fn every_call_answers_what_is_written() {
    let Some(mut trial) = Trial::start() else {
        return;
    };
    for heading in [
        "Looking",
        "Contents and attributes of files",
        "Extended attributes",
        "Editing tags",
        "Keeping queries",
        "Copying",
    ] {
        for row in table(heading).iter().skip(2) {
            let [call, expected, afterwards] = [&row[0], &row[1], &row[2]].map(|cell| code(cell));
            trial.check(call, expected, afterwards);
        }
    }
    trial.end(90);
}
