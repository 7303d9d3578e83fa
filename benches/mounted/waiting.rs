//! Do those who wait for an analysis hold others up?

use std::fs::File;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::collection::{Collection, UNSEEN};
use super::peers;

/// Others' requests that are measured.
const REQUESTS: usize = 3000;

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
    let away = AtomicUsize::new(0);
    let busy = std::thread::scope(|scope| {
        for path in &collection.unseen {
            let (path, away) = (mount.join("all").join(path), &away);
            scope.spawn(move || {
                let _ = rustix::fs::getxattr(path, "user.kbasefs.description", &mut [0; 4096][..]);
                away.fetch_add(1, Ordering::SeqCst);
            });
        }
        // The model inside the program has its say first.
        while peer.analyzed() < UNSEEN || silent.asked.load(Ordering::SeqCst) == 0 {}
        let busy = p99(collection, mount);
        assert_eq!(away.load(Ordering::SeqCst), 0, "all wait to the end");
        peer.kill();
        busy
    })?;
    println!("others while {UNSEEN} wait: p99 {busy:.2?}, alone {alone:.2?} (goal 2 ms)");
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
