//! Those who come from the program before kbasefs lose nothing: settings and descriptions come along.

use serde_json::{Value, json};

use crate::durability::{kbasefs, setup};
use crate::server::Server;

#[test]
fn settings_and_descriptions_are_taken_over_and_not_paid_for_again() {
    let server = Server::start();
    let home = setup(&server);
    let photos = home.path().join("photos");
    let yaml = home.path().join("old.yaml");
    let old = format!(
        "api:\n  api_url: {}/chat/completions\n  model: new-model\n  api_key: sk-very-secret\nparallel_requests: 2\n",
        server.url
    );
    std::fs::write(&yaml, old).unwrap();
    let entry = |title: &str| {
        json!({"short_name": title, "description": format!("{title} on a beach"), "vl_model": "old-model",
            "update_date": "2024-05-01T10:00:00Z"})
    };
    let index =
        json!({"00.jpg": entry("Rex"), "01.jpg": entry("Bello"), "gone.jpg": entry("Lassie")});
    std::fs::write(photos.join("index.json"), index.to_string()).unwrap();
    let config = home.path().join("new.toml");
    let run = |args: &[&str]| {
        let all = [&["--config", config.to_str().unwrap()], args].concat();
        let output = kbasefs(home.path(), &all).output().unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.success(), text)
    };
    let folder = photos.to_str().unwrap();
    let (well, said) = run(&[
        "config",
        "import",
        yaml.to_str().unwrap(),
        "--source",
        folder,
    ]);
    assert!(well && !said.contains("very-secret"), "{said}");
    assert!(
        said.contains("2 taken over, 0 known already, 0 failed, 1 of no photo here"),
        "{said}"
    );
    let photo = photos.join("00.jpg");
    let (_, shown) = run(&["show", photo.to_str().unwrap(), "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["description"], "Rex on a beach");
    assert_eq!(
        (&shown["title"], &shown["models"][0]),
        (&json!("Rex"), &json!("old-model"))
    );

    let (well, again) = run(&["config", "import", yaml.to_str().unwrap()]);
    assert!(
        !well && again.contains("there is a configuration already"),
        "{again}"
    );
    let (_, again) = run(&[
        "config",
        "import",
        photos.join("index.json").to_str().unwrap(),
    ]);
    assert!(again.contains("0 taken over, 2 known already"), "{again}");
    let both = [
        photo.to_str().unwrap(),
        photos.join("01.jpg").to_str().unwrap(),
    ]
    .map(str::to_owned);
    let (well, said) = run(&["analyze", &both[0], &both[1], "--provider", "imported"]);
    assert!(well && said.contains("2 skipped"), "{said}");
    assert_eq!(server.count(), 0);
    let (well, said) = run(&["analyze", &both[0], "--provider", "imported", "--stale"]);
    assert!(well && said.contains("1 analysed"), "{said}");
    assert_eq!(server.count(), 1);
}
