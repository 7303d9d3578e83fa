//! Do those who wait for an analysis hold others up?
//!
//! Each is a process of its own: one that asks for many photos at a time counts as a crawler, and waits for nothing.

use std::fs::File;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::collection::{Collection, UNSEEN};
use super::peers;

/// Others' requests that are measured.
const REQUESTS: usize = 3000;
/// Names the photo whose description this process asks for.
const ASK: &str = "KBASEFS_BENCH_ASK";

/// A server that takes every request and answers none.
struct Silent {
    asked: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Silent {
    fn start(listener: TcpListener) -> Self {
        let silent = Self {
            asked: Arc::default(),
            open: Arc::default(),
        };
        let (asked, open) = (silent.asked.clone(), silent.open.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                open.lock().expect("nothing panics").push(stream);
            }
        });
        silent
    }
}

pub fn run(collection: &Collection, scratch: &Path) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let config = format!(
        "xattr_wait_s = 600.0\nread_timeout = 3600\n[[provider]]\nname = \"silent\"\nkind = \"openai\"\nurl = \"http://{}\"\n\
         model = \"m\"\non = \"asked\"\nparallel_requests = {UNSEEN}\ntimeout = 3600\n",
        listener.local_addr()?
    );
    let silent = Silent::start(listener);
    let mut peer = peers::kbasefs(&collection.source, scratch, &config)?;
    let mount = &peer.mountpoint.clone().expect("this program is here");
    let alone = p99(collection, mount)?;
    let photos = collection.unseen.iter();
    let mut callers: Vec<_> = photos
        .map(|path| caller(&mount.join("all").join(path)))
        .collect::<io::Result<_>>()?;
    // The model inside the program has its say first.
    while peer.analyzed() < UNSEEN || silent.asked.load(Ordering::SeqCst) == 0 {
        all_wait(&mut callers)?;
    }
    let busy = p99(collection, mount)?;
    all_wait(&mut callers)?;
    peer.kill();
    for caller in &mut callers {
        caller.wait()?;
    }
    println!("others while {UNSEEN} wait: p99 {busy:.2?}, alone {alone:.2?} (goal 2 ms)");
    Ok(())
}

/// What a process that was started to ask does, and whether this is one.
pub fn ask() -> bool {
    let photo = std::env::var_os(ASK);
    photo.is_some_and(|photo| {
        // Its mount is gone before there is an answer.
        let _ = rustix::fs::getxattr(photo, "user.kbasefs.description", &mut [0; 4096][..]);
        true
    })
}

fn caller(photo: &Path) -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .env(ASK, photo)
        .spawn()
}

/// # Panics
/// When one of them got an answer: nothing is measured then.
fn all_wait(callers: &mut [Child]) -> io::Result<()> {
    for caller in callers {
        assert!(caller.try_wait()?.is_none(), "all wait to the end");
    }
    Ok(())
}

/// The slowest but one in a hundred of requests that the kernel can't answer by itself.
fn p99(collection: &Collection, mount: &Path) -> io::Result<Duration> {
    let folder = mount.join("tags/many");
    let mut times = Vec::with_capacity(REQUESTS);
    for n in 0..REQUESTS {
        let path = folder.join(&collection.sample[n % collection.sample.len()]);
        let start = Instant::now();
        match n % 3 {
            0 => drop(rustix::fs::getxattr(
                &path,
                "user.xdg.tags",
                &mut [0; 1024][..],
            )?),
            1 => drop(mount.join("all/unseen").read_dir()?.count()),
            _ => drop(File::open(&path)?.read(&mut [0; 4096])?),
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() * 99 / 100])
}
