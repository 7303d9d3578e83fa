//! Large photos, and many at a time, take no more memory than there is for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::metrics::{Exposition, metrics};
use crate::test_server::{TestServer, header};

/// So many different files, all of one picture.
fn photos(server: &TestServer, count: usize, width: u32, height: u32) {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x / 16) as u8, (y / 16) as u8, ((x + y) / 32) as u8])
    });
    let first = server.path("photos/0000.jpg");
    picture.save(&first).unwrap();
    let bytes = std::fs::read(first).unwrap();
    for n in 1..count {
        // After the end of a picture, decoders read nothing.
        let file = [&bytes[..], format!("{n:08}").as_bytes()].concat();
        std::fs::write(server.path(format!("photos/{n:04}.jpg")), file).unwrap();
    }
}

/// Shows a photo, small and whole.
async fn look_at(server: &TestServer, id: usize) {
    server.text(&format!("/photo/{id}")).await;
    for path in [format!("/thumbnail/{id}/512"), format!("/original/{id}")] {
        let answer = server.get(&path).send().await.unwrap();
        let kind = header(&answer, "content-type").to_owned();
        let bytes = answer.bytes().await.unwrap();
        let why = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        assert_eq!(kind, "image/jpeg", "{path}: {why}");
        assert!(!bytes.is_empty(), "{path}");
    }
}

/// `KBASEFS_LONG=1` looks at a thousand.
#[tokio::test]
async fn large_photos_leave_memory_as_it_was() {
    let count = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 1000,
        None => 100,
    };
    let mut server = TestServer::new();
    photos(&server, count, 4000, 3000);
    server.serve(&[]);
    // Measured elsewhere: `cargo bench --bench servers` and `analyze`.
    server.pause_analysis().await;
    look_at(&server, 1).await;
    let before = metrics(&server).await;
    let next = AtomicUsize::new(2);
    let viewer = async || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                id if id <= count => look_at(&server, id).await,
                _ => break,
            }
        }
    };
    tokio::join!(viewer(), viewer(), viewer(), viewer());
    let after = metrics(&server).await;
    let held = |at: &Exposition| at.value("process_resident_memory_bytes", "") / 1e6;
    let grown = held(&after) - held(&before);
    eprintln!("{count} photos: grown by {grown:.1} MB");
    assert!(grown < 100.0, "grown by {grown:.1} MB");
}

#[tokio::test]
async fn ten_workers_look_at_a_hundred_photos_without_a_failure() {
    let mut server = TestServer::new();
    photos(&server, 100, 1024, 768);
    server.configure("workers = 10\n");
    server.serve(&[]);
    server.analyze_all().await;
    let read = metrics(&server).await;
    let analyzed = read.value("kbasefs_photos", "state=\"analyzed\"");
    assert_eq!(analyzed, 100.0);
}
