//! The control socket: its file, and an end that waits for nobody who doesn't read.

use std::fs::{DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::UnixListener;
use tokio::sync::{RwLock, oneshot};
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::{Parts, router};

/// A control socket; its file goes with it.
pub struct Socket {
    file: SocketFile,
    listener: UnixListener,
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                tracing::warn!("control socket {}: {e}", self.0.display());
            }
            _ => {}
        }
    }
}

/// How long a request may stand still that isn't whole: programs here write it at once.
const REST_OF_REQUEST: Duration = Duration::from_secs(5);
/// How long what is answered may still be read at the end.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Held by each request until what it asked for is done, and by the end.
type Working = Arc<RwLock<()>>;

impl Socket {
    /// Listens at `path`. Whoever calls this owns the catalog, so a socket that is there is a dead process's.
    ///
    /// # Errors
    /// When none can be made there, or something else is called so.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        match path.symlink_metadata() {
            Ok(there) if there.file_type().is_socket() => std::fs::remove_file(path)?,
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            // Something else, where nothing is bound.
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self {
            file: SocketFile(path.into()),
            listener,
        })
    }

    pub fn path(&self) -> &Path {
        &self.file.0
    }

    /// Removes the sockets of killed processes in a folder where nothing but control sockets is.
    ///
    /// # Errors
    /// When it can't be listed.
    pub fn sweep(folder: &Path) -> io::Result<()> {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "sock") && is_left(&path) {
                // Somebody else may have swept.
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Answers until `end` comes: then what is being done is finished, and its answers may be read for a moment.
    pub async fn serve(
        self,
        parts: Parts,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let _file = self.file;
        let working = Working::default();
        let router = router(parts)
            .layer(from_fn_with_state(Arc::clone(&working), work))
            .layer(RequestBodyTimeoutLayer::new(REST_OF_REQUEST));
        let (ended, end_came) = oneshot::channel();
        let end = async move {
            end.await;
            // Nobody waits any more where it is served no longer.
            let _ = ended.send(());
        };
        let served = axum::serve(self.listener, router).with_graceful_shutdown(end);
        let deadline = async move {
            if end_came.await.is_err() {
                std::future::pending::<()>().await;
            }
            drop(working.write().await);
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            served = served => served,
            () = deadline => {
                tracing::warn!("a program that doesn't read its answer is left without it");
                Ok(())
            }
        }
    }
}

async fn work(State(working): State<Working>, request: Request, next: Next) -> Response {
    let _working = working.read_owned().await;
    next.run(request).await
}

/// One that was just made may not listen yet.
const YOUNG: Duration = Duration::from_secs(60);

/// Whether nobody listens at a socket any more.
fn is_left(path: &Path) -> bool {
    let made = path.symlink_metadata().and_then(|there| there.modified());
    let age = made.ok().and_then(|made| made.elapsed().ok());
    age.is_some_and(|age| age > YOUNG)
        && UnixStream::connect(path).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn sockets_that_nobody_listens_at_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let _living = UnixListener::bind(at("living.sock")).unwrap();
        for left in ["left.sock", "young.sock"] {
            drop(UnixListener::bind(at(left)).unwrap());
        }
        std::fs::write(at("notes"), "").unwrap();
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        for old in ["living.sock", "left.sock"] {
            set_time(&at(old), hour_ago);
        }
        Socket::sweep(folder.path()).unwrap();
        let names = folder.path().read_dir().unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["living.sock", "notes", "young.sock"]);
    }

    fn set_time(socket: &Path, time: SystemTime) {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let time = rustix::fs::Timespec {
            tv_sec: since.as_secs().try_into().unwrap(),
            tv_nsec: 0,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        let itself = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, socket, &times, itself).unwrap();
    }
}
