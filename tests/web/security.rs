//! Who is answered, and what every answer says to the browser.

use std::os::unix::fs::PermissionsExt;

use crate::test_server::{TestServer, header};

/// Every page that people see.
pub const PAGES: [&str; 9] = [
    "/",
    "/photo/1",
    "/photo/1/details",
    "/duplicates",
    "/failures",
    "/providers",
    "/activity",
    "/dashboard",
    "/help",
];

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let server = TestServer::with_photos(3);
    let others = [
        "/nowhere",
        "/assets/page.css",
        "/thumbnail/1/256",
        "/original/1",
        "/api/v1/status",
        "/?q=kind%3Ax",
    ];
    for path in PAGES.iter().chain(&others) {
        let response = server.get(path).send().await.unwrap();
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            header(&response, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
        assert_eq!(
            header(&response, "referrer-policy"),
            "same-origin",
            "{path}"
        );
        assert!(
            header(&response, "cache-control").starts_with("private"),
            "{path}"
        );
        let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
        for inline in [" style=", "<style", "javascript:", " onclick=", " onload="] {
            assert!(
                path.ends_with(".css") || !text.contains(inline),
                "{path}: {inline}"
            );
        }
    }
}

#[tokio::test]
async fn other_names_and_other_origins_are_refused() {
    let server = TestServer::with_photos(1);
    for host in ["evil.example", "evil.example:80", "192.168.0.9"] {
        let response = server.get("/").header("host", host).send().await.unwrap();
        assert_eq!(response.status(), 421, "{host}");
    }
    let changes = [
        "/photo/1/edit",
        "/photo/1/analyze",
        "/undo",
        "/redo",
        "/failures/retry",
        "/dashboard/pause",
        "/dashboard/retry",
        "/api/v1/analyze",
    ];
    for path in changes {
        for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
            let request = server
                .post(path, &[("add", "x"), ("act", "1")])
                .header("origin", origin);
            let mut request = request.build().unwrap();
            request
                .headers_mut()
                .insert("origin", origin.parse().unwrap());
            let response = server.client.execute(request).await.unwrap();
            assert_eq!(response.status(), 403, "{path} {origin}");
        }
        let looked = server.get(path).send().await.unwrap();
        assert_eq!(looked.status(), 405, "{path}: looking changes nothing");
    }
    assert!(
        server
            .text("/activity")
            .await
            .contains("Nobody did anything yet")
    );
}

#[tokio::test]
async fn what_only_commands_may_do_is_not_here() {
    let server = TestServer::with_photos(1);
    for path in [
        "export",
        "import",
        "adopt",
        "catalog/vacuum",
        "scan",
        "saved",
        "tag",
        "log",
        "undo",
        "redo",
        "web",
    ] {
        let request = server.client.post(format!("{}/api/v1/{path}", server.url));
        let request = request
            .header("content-type", "application/json")
            .body("{}");
        assert_eq!(request.send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let server = TestServer::with_photos(1);
    let long = "x".repeat(100_000);
    let response = server
        .post("/photo/1/edit", &[("title", &long)])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn nothing_in_an_address_is_a_file_name() {
    let server = TestServer::with_photos(1);
    let attempts = [
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/original/..%2f..%2fetc%2fpasswd",
        "/original/%2fetc%2fpasswd",
        "/thumbnail/1/..%2f..%2f1",
        "/photo/1%00",
        "/original/4294967296",
        "/thumbnail/1/257",
    ];
    for path in attempts {
        let status = server.get(path).send().await.unwrap().status();
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_where_there_is_one() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    let file = server.path("token");
    let token = "correct horse battery staple";
    std::fs::write(&file, format!("{token}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    server.serve(&["--token-file", file.to_str().unwrap()]);

    let response = server.get("/").send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "location")),
        (303, "/login")
    );
    for path in ["/original/1", "/thumbnail/1/256", "/activity"] {
        assert_eq!(
            server.get(path).send().await.unwrap().status(),
            303,
            "{path}"
        );
    }
    assert_eq!(
        server.get("/api/v1/status").send().await.unwrap().status(),
        401
    );
    let wrong = server
        .post("/login", &[("token", "wrong")])
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 403);
    assert_eq!(header(&wrong, "set-cookie"), "");

    let right = server
        .post("/login", &[("token", token)])
        .send()
        .await
        .unwrap();
    let cookie = header(&right, "set-cookie").to_owned();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    let inside = server
        .get("/")
        .header("cookie", cookie)
        .send()
        .await
        .unwrap();
    assert_eq!(inside.status(), 200);
    let program = server
        .get("/api/v1/status")
        .header("authorization", format!("Bearer {token}"));
    assert_eq!(program.send().await.unwrap().status(), 200);
}
