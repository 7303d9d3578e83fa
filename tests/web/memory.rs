//! Large photos, and many at a time, take no more memory than there is for them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::metrics::{Exposition, metrics};
use crate::world::{World, header};

/// So many different files, all of one picture.
fn photos(world: &World, count: usize, width: u32, height: u32) {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x / 16) as u8, (y / 16) as u8, ((x + y) / 32) as u8])
    });
    let first = world.path("photos/0000.jpg");
    picture.save(&first).unwrap();
    let bytes = std::fs::read(first).unwrap();
    for n in 1..count {
        // After the end of a picture, decoders read nothing.
        let file = [&bytes[..], format!("{n:08}").as_bytes()].concat();
        std::fs::write(world.path(format!("photos/{n:04}.jpg")), file).unwrap();
    }
}

/// Shows a photo, small and whole.
async fn look_at(world: &World, id: usize) {
    world.text(&format!("/photo/{id}")).await;
    for path in [format!("/thumbnail/{id}/512"), format!("/original/{id}")] {
        let answer = world.get(&path).send().await.unwrap();
        assert_eq!(header(&answer, "content-type"), "image/jpeg", "{path}");
        assert!(!answer.bytes().await.unwrap().is_empty(), "{path}");
    }
}

/// `KBASEFS_LONG=1` looks at a thousand.
#[tokio::test]
async fn large_photos_leave_memory_as_it_was() {
    let count = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 1000,
        None => 100,
    };
    let mut world = World::new();
    photos(&world, count, 4000, 3000);
    world.serve(&[]);
    // Measured elsewhere: `cargo bench --bench servers` and `analyze`.
    world.pause_analysis().await;
    look_at(&world, 1).await;
    let before = metrics(&world).await;
    let next = AtomicUsize::new(2);
    let viewer = async || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                id if id <= count => look_at(&world, id).await,
                _ => break,
            }
        }
    };
    tokio::join!(viewer(), viewer(), viewer(), viewer());
    let after = metrics(&world).await;
    let held = |at: &Exposition| at.value("process_resident_memory_bytes", "") / 1e6;
    let grown = held(&after) - held(&before);
    eprintln!("{count} photos: grown by {grown:.1} MB");
    assert!(grown < 100.0, "grown by {grown:.1} MB");
}

#[tokio::test]
async fn ten_workers_look_at_a_hundred_photos_without_a_failure() {
    let mut world = World::new();
    photos(&world, 100, 1024, 768);
    world.configure("workers = 10\n");
    world.serve(&[]);
    world.analyze_all().await;
    let read = metrics(&world).await;
    let analyzed = read.value("kbasefs_photos", "state=\"analyzed\"");
    assert_eq!(analyzed, 100.0);
}
