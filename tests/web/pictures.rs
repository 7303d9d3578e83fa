//! Thumbnails and originals.

use std::time::{Duration, SystemTime};

use crate::test_server::{TestServer, header};

#[tokio::test]
async fn thumbnails_are_small_and_where_file_managers_look() {
    let mut server = TestServer::new();
    let big = image::RgbImage::from_fn(1500, 1000, |x, y| image::Rgb([x as u8, y as u8, 9]));
    big.save(server.path("photos/big.jpg")).unwrap();
    server.serve(&[]);
    for (size, expected) in [(256, (256, 171)), (512, (512, 342)), (1024, (1024, 683))] {
        let answer = server
            .get(&format!("/thumbnail/1/{size}"))
            .send()
            .await
            .unwrap();
        assert_eq!(header(&answer, "content-type"), "image/jpeg");
        assert_eq!(header(&answer, "cache-control"), "private, max-age=3600");
        let picture = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), expected);
    }
    for folder in ["large", "x-large"] {
        let folder = server.path("home/.cache/thumbnails").join(folder);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    }
}

/// As many as are shown at a time, each of which would keep a processor busy for long.
#[tokio::test]
async fn slow_pictures_have_a_thumbnail_that_says_so_and_others_go_on() {
    let mut server = TestServer::new();
    let large = image::RgbImage::from_pixel(9000, 9000, image::Rgb([9, 8, 7]));
    large.save(server.path("photos/a0.png")).unwrap();
    for n in 1..4 {
        let copy = server.path(format!("photos/a{n}.png"));
        std::fs::copy(server.path("photos/a0.png"), copy).unwrap();
    }
    server.photo("b.png", 1);
    server.configure("decode_time_s = 0.1\n");
    server.serve(&[]);
    server.pause_analysis().await;
    // Again, it is known.
    for _ in 0..2 {
        let mut kinds = Vec::new();
        for id in 1..=5 {
            let answer = server.get(&format!("/thumbnail/{id}/256")).send().await;
            let answer = answer.unwrap();
            kinds.push(header(&answer, "content-type").to_owned());
            let shown = answer.bytes().await.unwrap();
            let why = b"<title>decoding takes more than 0.1 s</title>";
            let says_why = shown.windows(why.len()).any(|part| part == why);
            assert_eq!(says_why, kinds.last().unwrap() == "image/svg+xml", "{id}");
        }
        kinds.sort();
        assert_eq!(kinds[0], "image/jpeg");
        assert_eq!(kinds[1..], ["image/svg+xml"; 4]);
    }
}

#[tokio::test]
async fn an_original_is_sent_in_whole_and_in_parts() {
    let server = TestServer::with_photos(1);
    let bytes = std::fs::read(server.path("photos/trip 0/IMG_0000.png")).unwrap();
    let answer = server.get("/original/1").send().await.unwrap();
    assert_eq!(header(&answer, "content-type"), "image/png");
    assert_eq!(header(&answer, "accept-ranges"), "bytes");
    assert!(header(&answer, "content-security-policy").contains("sandbox"));
    let tag = header(&answer, "etag").to_owned();
    assert_eq!(answer.bytes().await.unwrap(), bytes);

    let part = server
        .get("/original/1")
        .header("range", "bytes=10-19")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(
        header(&part, "content-range"),
        format!("bytes 10-19/{}", bytes.len())
    );
    assert_eq!(part.bytes().await.unwrap(), bytes[10..20]);
    let beyond = server
        .get("/original/1")
        .header("range", "bytes=9999999-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status(), 416);
    let ranged = |tag: &str| {
        server
            .get("/original/1")
            .header("range", "bytes=0-0")
            .header("if-range", tag)
    };
    assert_eq!(ranged(&tag).send().await.unwrap().status(), 206);
    // Other bytes of the same size, with the time put back.
    let path = server.path("photos/trip 0/IMG_0000.png");
    let time = path.metadata().unwrap().modified().unwrap();
    std::fs::write(&path, [&bytes[..bytes.len() - 1], b"?"].concat()).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
    assert_eq!(ranged(&tag).send().await.unwrap().status(), 200);
    assert_eq!(ranged("\"other\"").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_photo_without_a_picture_shows_something_else() {
    let mut server = TestServer::new();
    std::fs::write(
        server.path("photos/broken.jpg"),
        b"\xff\xd8\xff\xe0 no picture",
    )
    .unwrap();
    server.serve(&[]);
    let answer = server.get("/thumbnail/1/256").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "content-type")),
        (200, "image/svg+xml")
    );
    assert_eq!(
        server
            .get("/thumbnail/2/256")
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn the_address_of_a_thumbnail_changes_with_its_file() {
    let server = TestServer::with_photos(1);
    let address =
        |page: &str| crate::paging::all_between(page, "src=\"/thumbnail/", "\"")[0].clone();
    let before = address(&server.text("/").await);
    let file = server.path("photos/trip 0/IMG_0000.png");
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(9))
        .unwrap();
    let photos = server.path("photos");
    server.run(&["scan", photos.to_str().unwrap()]);
    assert_ne!(address(&server.text("/").await), before);
}

#[tokio::test]
async fn pages_are_compressed_and_pictures_are_not() {
    let server = TestServer::with_photos(20);
    let asked = |path: &str| server.get(path).header("accept-encoding", "gzip");
    for path in ["/", "/assets/page.css", "/api/v1/photos"] {
        let answer = asked(path).send().await.unwrap();
        assert_eq!(header(&answer, "content-encoding"), "gzip", "{path}");
    }
    for path in ["/thumbnail/1/512", "/original/1"] {
        let answer = asked(path).send().await.unwrap();
        assert_eq!(header(&answer, "content-encoding"), "", "{path}");
    }
}
