//! Connections to the page: so many at a time, and none that waits forever for a browser to say what it wants.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who may come, and for how long.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// The rest waits.
    pub connections: usize,
    /// For the first bytes of a request to be whole; also how long a connection is kept without one.
    pub head: Duration,
}

/// After an error that is not of one connection: too many open files, say.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for as long as the process lives.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds) -> io::Result<()> {
    let turns = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let turn = Arc::clone(&turns).acquire_owned().await;
        let turn = turn.map_err(io::Error::other)?;
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, router.clone(), bounds.head, turn));
            }
            Err(e) if is_of_one(&e) => {}
            Err(e) => {
                tracing::error!("web page: {e}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, router: Router, head: Duration, _turn: OwnedSemaphorePermit) {
    // An answer that waits for more to send is late, no more.
    let _ = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let service = TowerToHyperService::new(router);
    if let Err(e) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!("a connection to the page broke: {e}");
    }
}

/// Whether somebody hung up before we answered.
fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn who_never_says_what_he_wants_makes_room_for_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(|| async { "here" }));
        let bounds = Bounds {
            connections: 2,
            head: Duration::from_millis(200),
        };
        let server = tokio::spawn(serve(listener, router, bounds));
        let mut slow = Vec::new();
        for said in ["", "GET / HTTP/1.1\r\nhost: a\r\nx: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            slow.push(stream);
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        third.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        third.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
        for mut stream in slow {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            assert!(!rest.contains("here"), "{rest}");
        }
        server.abort();
    }
}
