use super::*;
use crate::catalog::{Entry, Facts, FileStat, Format, Photo, PhotoId, SourcePath, Status};

fn detail(labels: Vec<Label>, texts: Vec<Text>) -> Detail {
    let photo = Photo {
        id: PhotoId(1),
        path: SourcePath::new(&b"a.jpg"[..]),
        name: b"a.jpg"[..].into(),
        title_name: None,
        text_bytes: 0,
        stat: FileStat::default(),
        format: Format::Jpeg,
        status: Status::Analyzed,
        date: None,
        hash: None,
        width: 0,
        height: 0,
        perceptual_hash: None,
        edited: false,
        edition: 0,
    };
    Detail {
        entry: Entry { photo, labels },
        facts: Facts::of(Format::Jpeg),
        texts,
        failure: None,
        analyses: Vec::new(),
    }
}

fn tag(value: &str, origin: Origin) -> Label {
    Label::sure(Facet::Tag, value, origin)
}

fn described(origin: Origin, value: &str) -> Text {
    Text::new(TextField::Description, origin, value)
}

fn words(text: &str) -> Words {
    Words::of(&read_packet(text.as_bytes()))
}

fn merge(existing: Option<&str>, detail: &Detail) -> Result<Option<String>, String> {
    merged(existing.map(str::as_bytes), detail)
}

const LIGHTROOM_SIDECAR: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmp:Rating="3" crs:Exposure2012="+0.50">
   <dc:subject><rdf:Bag><rdf:li>Rome</rdf:li><rdf:li>cat</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Italy|Rome</rdf:li></rdf:Bag></lr:hierarchicalSubject>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">Mine &amp; yours</rdf:li></rdf:Alt></dc:description>
   <crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"#;

#[test]
fn a_new_sidecar_says_what_holds() {
    let detail = detail(
        vec![tag("dog", Origin::Embedded), tag("a<b", Origin::Human)],
        vec![described(Origin::Embedded, "A dog & a \u{1}cat")],
    );
    let text = merge(None, &detail).unwrap().unwrap();
    let said = words(&text);
    assert_eq!(said.subjects, ["a<b", "dog"]);
    assert_eq!(
        (&said.hierarchical, &said.tags_list),
        (&said.subjects, &said.subjects)
    );
    assert_eq!(said.description.as_deref(), Some("A dog & a cat"));
    assert_eq!(merge(Some(&text), &detail), Ok(None), "it says so already");
}

#[test]
fn what_a_sidecar_says_stays_but_for_a_persons_words() {
    let known = words(LIGHTROOM_SIDECAR);
    assert_eq!(known.rating.as_deref(), Some("3"));
    let xmp = Xmp::of(&read_packet(LIGHTROOM_SIDECAR.as_bytes()));
    assert_eq!(xmp.tags, ["Rome", "cat"]);
    let mut denied = tag("CAT", Origin::Human);
    denied.confidence = 0.0;
    let detail = detail(
        vec![
            tag("dog", Origin::Embedded),
            tag("rome", Origin::Embedded),
            denied,
            Label::sure(Facet::Rating, "5", Origin::Human),
        ],
        vec![described(Origin::Remote, "A dog")],
    );
    let text = merge(Some(LIGHTROOM_SIDECAR), &detail).unwrap().unwrap();
    for kept in [
        r#"crs:Exposure2012="+0.50""#,
        "<crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq>",
    ] {
        assert!(text.contains(kept), "{text}");
    }
    let said = words(&text);
    assert_eq!(said.subjects, ["Rome", "dog"]);
    assert_eq!(said.hierarchical, ["Places|Italy|Rome", "dog"]);
    assert_eq!(said.description.as_deref(), Some("Mine & yours"));
    assert_eq!(said.rating.as_deref(), Some("5"));
    assert_eq!(merge(Some(&text), &detail), Ok(None));
}

#[test]
fn a_sidecar_does_not_grow_by_being_written_again() {
    let text = |n: u32| {
        let tags = (0..n).map(|n| tag(&n.to_string(), Origin::Human)).collect();
        detail(tags, Vec::new())
    };
    let first = merge(None, &text(1)).unwrap().unwrap();
    let second = merge(Some(&first), &text(2)).unwrap().unwrap();
    let at_once = merge(None, &text(2)).unwrap().unwrap();
    assert_eq!(second, at_once);
}

#[test]
fn what_is_no_packet_is_left_alone() {
    let detail = detail(vec![tag("dog", Origin::Human)], Vec::new());
    for text in [
        "",
        "<a/>",
        "<x><y></x>",
        "not xml",
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>",
    ] {
        assert!(merge(Some(text), &detail).is_err(), "{text}");
    }
    let deep = "<a>".repeat(300);
    assert!(merge(Some(&deep), &detail).is_err());
    let latin = [b"<!-- \xe9 -->", EMPTY.as_bytes()].concat();
    assert_eq!(merged(Some(&latin), &detail), Err("not UTF-8".into()));
}

#[test]
fn what_is_only_read_stays_where_it_is() {
    let sidecar = LIGHTROOM_SIDECAR.replace(
        "crs:Exposure2012=",
        "xmp:CreateDate=\"1999-07-08T00:00:00\" crs:Exposure2012=",
    );
    let tagged = detail(vec![tag("dog", Origin::Human)], Vec::new());
    let text = merge(Some(&sidecar), &tagged).unwrap().unwrap();
    assert!(
        text.contains("xmp:CreateDate=\"1999-07-08T00:00:00\""),
        "{text}"
    );
    let xmp = Xmp::of(&read_packet(text.as_bytes()));
    assert_eq!(xmp.created.as_deref(), Some("1999-07-08T00:00:00"));
    assert_eq!(xmp.tags, ["Rome", "cat", "dog"]);
}
