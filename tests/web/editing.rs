//! What people say on the page is theirs, is in the journal, and can be taken back.

use crate::test_server::{TestServer, header};

#[tokio::test]
async fn an_edit_is_seen_undone_and_done_again() {
    let server = TestServer::with_photos(2);
    let said = [
        ("title", "Our <b>first</b> day"),
        ("description", "At the sea & beyond"),
        ("tags", "sea, summer, a \"b\""),
    ];
    let response = server.post("/photo/1/edit", &said).send().await.unwrap();
    assert_eq!(response.status(), 303);
    let shown = server.text(header(&response, "location")).await;
    assert!(
        shown.contains("Our &#60;b&#62;first&#60;/b&#62; day"),
        "{shown}"
    );
    assert!(shown.contains("set title, set description, tag sea and summer and a &#34;b&#34;"));
    assert_eq!(server.json("/api/v1/photos?q=tag:summer").await["total"], 1);
    assert_eq!(server.json("/api/v1/photos?q=beyond").await["total"], 1);

    let act = header(&response, "location")
        .split("act=")
        .nth(1)
        .unwrap()
        .to_owned();
    let undone = server
        .post("/undo", &[("act", &act), ("photo", "1")])
        .send()
        .await
        .unwrap();
    assert_eq!(undone.status(), 303);
    let photo = server.json("/api/v1/photo?id=1").await;
    assert_eq!(
        (&photo["title"], &photo["tags"]),
        (&serde_json::Value::Null, &serde_json::json!([]))
    );
    assert!(server.text("/activity").await.contains("undone"));
    let redone = server.post("/redo", &[("act", &act)]).send().await.unwrap();
    assert_eq!(
        (redone.status().as_u16(), header(&redone, "location")),
        (303, "/activity")
    );
    assert_eq!(
        server.json("/api/v1/photo?id=1").await["title"],
        "Our <b>first</b> day"
    );
}

#[tokio::test]
async fn an_edit_is_the_difference_to_what_stood_in_the_form() {
    let server = TestServer::with_photos(1);
    let post = async |said: &[(&str, &str)]| {
        let response = server.post("/photo/1/edit", said).send().await.unwrap();
        assert_eq!(response.status(), 303, "{said:?}");
    };
    let tags = async || {
        let photo = server.json("/api/v1/photo?id=1").await;
        let tags = photo["tags"].as_array().unwrap().iter();
        let mut names: Vec<_> = tags
            .map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        (names.join(" "), photo["tags_closed"].as_bool().unwrap())
    };
    let open = |tags: &str| (tags.to_owned(), false);
    post(&[("tags_base", ""), ("tags", "mine, holiday")]).await;
    // Two browsers showed the same list.
    let shown = ("tags_base", "mine, holiday");
    post(&[shown, ("tags", "mine, holiday, here")]).await;
    post(&[shown, ("tags", "mine, there")]).await;
    assert_eq!(tags().await, open("here mine there"));
    post(&[("tags", "late")]).await;
    assert_eq!(
        tags().await,
        open("here late mine there"),
        "without a base nothing is taken"
    );
    post(&[
        ("tags_base", "here, late, mine, there"),
        ("tags", "HERE, late, mine, there"),
    ])
    .await;
    assert_eq!(tags().await, open("HERE late mine there"));
    let page = server.text("/photo/1").await;
    assert!(
        page.contains("name=\"tags_base\" value=\"HERE, late, mine, there\""),
        "{page}"
    );
}

#[tokio::test]
async fn a_text_that_two_changed_is_a_conflict_that_says_both() {
    let server = TestServer::with_photos(1);
    let said = |base: &'static str, text: &'static str| [("title_base", base), ("title", text)];
    let title = async || server.json("/api/v1/photo?id=1").await["title"].clone();
    let post = async |said: &[(&str, &str)]| {
        let response = server.post("/photo/1/edit", said).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(post(&said("", "By the sea")).await.0, 303);
    let (status, page) = post(&said("", "On the beach")).await;
    assert_eq!(status, 409);
    assert!(
        page.contains("By the sea") && page.contains("On the beach"),
        "{page}"
    );
    assert_eq!(title().await, "By the sea");
    assert_eq!(
        post(&said("", "By the sea")).await.0,
        303,
        "who says the same has no conflict"
    );
    let script = server.post("/photo/1/edit", &said("", "On the beach"));
    let part = script.header("hx-request", "true").send().await.unwrap();
    let part = part.text().await.unwrap();
    assert!(
        part.starts_with("<aside id=\"details\"") && part.contains("On the beach"),
        "{part}"
    );
    assert!(
        part.contains("name=\"title_base\" value=\"By the sea\""),
        "{part}"
    );
    // What nobody touched is nobody's edit, whatever it is by now.
    assert_eq!(post(&said("Another", "Another")).await.0, 303);
    assert_eq!(title().await, "By the sea");
    assert_eq!(post(&said("By the sea", "On the beach")).await.0, 303);
    assert_eq!(title().await, "On the beach");
}

/// Whoever has the form open while the photo is analysed has the last word.
#[tokio::test]
async fn what_a_model_wrote_meanwhile_is_no_conflict() {
    let server = TestServer::with_photos(12);
    server.analyze_all().await;
    let title =
        async |id: u64| server.json(&format!("/api/v1/photo?id={id}")).await["title"].clone();
    let mut titled = Vec::new();
    for id in server.ids().await {
        if title(id).await.is_string() {
            titled.push(id);
        }
    }
    // Of a picture of nothing the model says nothing.
    assert!(!titled.is_empty());
    for id in titled {
        let late = [("title_base", ""), ("title", "By the sea")];
        let response = server.post(&format!("/photo/{id}/edit"), &late);
        assert_eq!(response.send().await.unwrap().status().as_u16(), 303);
        assert_eq!(title(id).await, "By the sea");
    }
}

#[tokio::test]
async fn a_script_gets_the_details_alone() {
    let server = TestServer::with_photos(1);
    let request = server
        .post("/photo/1/edit", &[("rating", "4")])
        .header("hx-request", "true");
    let part = request.send().await.unwrap().text().await.unwrap();
    assert!(part.starts_with("<aside id=\"details\""), "{part}");
    assert_eq!(part.matches('★').count(), 4);
    assert_eq!(server.json("/api/v1/photo?id=1").await["rating"], 4);
}

#[tokio::test]
async fn what_says_nothing_new_or_makes_no_sense_is_no_act() {
    let server = TestServer::with_photos(1);
    server
        .post("/photo/1/edit", &[("add", "sea")])
        .send()
        .await
        .unwrap();
    let same = server
        .post("/photo/1/edit", &[("title", ""), ("tags", "sea")])
        .send()
        .await
        .unwrap();
    assert_eq!(header(&same, "location"), "/photo/1");
    for (name, value) in [("rating", "6"), ("rating", "x"), ("add", " \u{202e} ")] {
        let refused = server
            .post("/photo/1/edit", &[(name, value)])
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 400, "{name}={value}");
    }
    let missing = server
        .post("/photo/99/edit", &[("add", "sea")])
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
    let page = server.text("/activity").await;
    assert_eq!(page.matches("action=\"/undo\"").count(), 1, "{page}");
}

#[tokio::test]
async fn looking_at_a_photo_goes_on_by_itself_and_tells_its_end() {
    let server = TestServer::with_photos(2);
    let begun = server.post("/photo/1/analyze", &[]).send().await.unwrap();
    assert_eq!(begun.status(), 303);
    server
        .eventually("/photo/1", |page| page.contains("Looked at by"))
        .await;
    let photo = server.json("/api/v1/photo?id=1").await;
    assert_eq!(photo["status"], "analyzed");
    assert!(photo["models"][0].is_string(), "{photo}");
}

#[tokio::test]
async fn failures_say_why_and_can_be_tried_again() {
    let mut server = TestServer::new();
    server.photo("good.png", 1);
    std::fs::write(
        server.path("photos/broken.jpg"),
        b"\xff\xd8\xff\xe0 no picture",
    )
    .unwrap();
    server.serve(&[]);
    let broken = server.json("/api/v1/photos?q=name:broken").await["photos"][0]["id"].clone();
    server
        .post(&format!("/photo/{broken}/analyze"), &[])
        .send()
        .await
        .unwrap();
    let page = server
        .eventually("/failures", |page| page.contains("broken.jpg"))
        .await;
    assert!(page.contains("jpeg") || page.contains("damaged"), "{page}");

    // It is mended, in the same second and size even.
    let retried = server
        .post("/failures/retry", &[("photo", &broken.to_string())])
        .send()
        .await
        .unwrap();
    assert_eq!(retried.status(), 303);
    server
        .eventually("/failures", |page| page.contains("broken.jpg"))
        .await;
    let others = server
        .post("/failures/retry", &[("photo", "1")])
        .send()
        .await
        .unwrap();
    assert_eq!(others.status(), 303);
}

#[tokio::test]
async fn an_edit_is_in_the_mount_when_the_page_answers() {
    let mut server = TestServer::new();
    server.photo("1.png", 1);
    server.run(&["scan", server.path("photos").to_str().unwrap()]);
    if !server.mount() {
        return;
    }
    let shown = server.path("mnt/tags/zed/1.png");
    let mut wrong = Vec::new();
    for round in 0..50 {
        for (field, is_there) in [("add", true), ("remove", false)] {
            let edit = server.post("/photo/1/edit", &[(field, "zed")]);
            assert_eq!(edit.send().await.unwrap().status(), 303);
            if shown.symlink_metadata().is_ok() != is_there {
                wrong.push((round, field));
            }
        }
    }
    assert_eq!(wrong, []);
}
