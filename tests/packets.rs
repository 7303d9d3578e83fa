//! An XMP packet says the same wherever it is found: inside of photos of every format that can carry one, and in a sidecar.

mod carriers;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use carriers::CARRIERS;
use kbasefs::catalog::{DateSource, Detail, Facet, Origin, SourcePath, TextField};
use kbasefs::exchange::{Exchange, Report};
use kbasefs::library::Library;
use kbasefs::source::{Options, Sync};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::memory::Memory;

/// What is wanted of a packet. Dates and places of sidecars are not taken over, so they are looked at in photos only.
#[derive(Clone, Debug, Default, PartialEq)]
struct Meaning {
    tags: BTreeSet<String>,
    rating: Option<String>,
    title: Option<String>,
    description: Option<String>,
}

/// What a detail says by the word of one origin.
fn meaning(detail: &Detail, origin: Origin) -> Meaning {
    let labels = detail.entry.labels.iter().filter(|l| l.origin == origin);
    let of = |facet| {
        let labels = labels.clone().filter(move |l| l.facet == facet);
        labels.map(|l| l.value.clone())
    };
    let text = |field| {
        let mut texts = detail.texts.iter();
        let text = texts.find(|t| t.origin == origin && t.field == field);
        text.map(|t| t.value.clone())
    };
    Meaning {
        tags: of(Facet::Tag).collect(),
        rating: of(Facet::Rating).next(),
        title: text(TextField::Title),
        description: text(TextField::Description),
    }
}

/// One packet in photos of all formats, and in the sidecar of a photo that says nothing.
struct Places {
    library: Arc<Library>,
    imported: Report,
}

impl Places {
    fn of(packet: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, carry) in CARRIERS {
            fs::write(folder.path().join(name), carry(packet)).unwrap();
        }
        fs::write(folder.path().join("bare.gif"), b"GIF89a\x05\0\x03\0").unwrap();
        fs::write(folder.path().join("bare.gif.xmp"), packet).unwrap();
        let library = Arc::new(Library::load(Arc::new(Memory::default())).unwrap());
        let source_files = Arc::new(SourceFiles::open(folder.path()).unwrap());
        let sync = Sync::new(library.clone(), source_files.clone(), Options::default());
        sync.scan(&AtomicBool::new(false)).unwrap();
        let exchange = Exchange {
            folder: SourcePath::default(),
            library: &library,
            source_files: &source_files,
        };
        let imported = exchange
            .import(folder.path(), None, &|_, _| Ok(false))
            .unwrap();
        Self { library, imported }
    }

    fn detail(&self, name: &str) -> Detail {
        let path = SourcePath::new(name.as_bytes());
        let id = self.library.index().by_path(&path);
        let id = id.unwrap_or_else(|| panic!("{name} is a photo"));
        self.library.detail(id).unwrap().unwrap()
    }
}

fn check(packet: &[u8], expected: &Meaning, date: Option<&str>) {
    let places = Places::of(packet);
    let shown = String::from_utf8_lossy(packet);
    for (name, _) in CARRIERS {
        let detail = places.detail(name);
        assert_eq!(meaning(&detail, Origin::File), *expected, "{name}: {shown}");
        let said = detail.facts.date_source != Some(DateSource::FileTime);
        let found = detail.facts.date.filter(|_| said).map(|d| d.to_string());
        assert_eq!(found.as_deref(), date, "{name}: {shown}");
    }
    let sidecar = meaning(&places.detail("bare.gif"), Origin::Xmp);
    assert_eq!(sidecar, *expected, "sidecar: {shown}");
}

/// A packet with these attributes and elements in its description.
fn packet(attributes: &str, elements: &str) -> String {
    format!(
        "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:lr='http://ns.adobe.com/lightroom/1.0/' \
         xmlns:digiKam='http://www.digikam.org/ns/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    )
}

fn list(property: &str, items: &[&str]) -> String {
    let items: String = items
        .iter()
        .map(|i| format!("<rdf:li>{i}</rdf:li>"))
        .collect();
    format!("<{property}><rdf:Bag>{items}</rdf:Bag></{property}>")
}

fn tagged(tags: &[&str]) -> Meaning {
    Meaning {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..Meaning::default()
    }
}

#[test]
fn tags_with_others_above_them_are_tags_whatever_they_are_written_in() {
    let check = |elements: &[&str], tags: &[&str]| {
        check(
            packet("", &elements.concat()).as_bytes(),
            &tagged(tags),
            None,
        );
    };
    let lightroom = list("lr:hierarchicalSubject", &["Places|Italy|Rome"]);
    let digikam = list("digiKam:TagsList", &["Animals/Cat"]);
    check(&[&lightroom], &["Rome"]);
    check(&[&digikam], &["Cat"]);
    check(&[&lightroom, &digikam], &["Rome", "Cat"]);
    let subjects = list("dc:subject", &["rome", "sea", "SEA"]);
    check(&[&subjects, &lightroom, &digikam], &["rome", "sea", "Cat"]);
    let path = list("dc:subject", &["Animals/Cat"]);
    check(&[&path, &digikam], &["Animals/Cat"]);
}

#[test]
fn ratings_are_stars_as_elements_and_as_attributes() {
    let check = |rating: &str, stars: Option<&str>| {
        let expected = Meaning {
            rating: stars.map(str::to_owned),
            ..Meaning::default()
        };
        let attribute = packet(&format!("xmp:Rating='{rating}'"), "");
        check(attribute.as_bytes(), &expected, None);
        let element = packet("", &format!("<xmp:Rating>{rating}</xmp:Rating>"));
        check(element.as_bytes(), &expected, None);
    };
    check("4", Some("4"));
    check("3.5", Some("4"));
    check("0", Some("0"));
    check("-1", None);
    check("9", None);
}

#[test]
fn texts_are_those_for_all_languages_with_entities_resolved() {
    let texts = "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Hund</rdf:li><rdf:li xml:lang='x-default'>A &lt;dog&gt; \
                 &#233;</rdf:li></rdf:Alt></dc:title><dc:description><rdf:Alt><rdf:li xml:lang='fr'>chien &amp; \
                 <![CDATA[<chat>]]></rdf:li></rdf:Alt></dc:description>";
    let expected = Meaning {
        title: Some("A <dog> é".into()),
        description: Some("chien & <chat>".into()),
        ..Meaning::default()
    };
    check(packet("", texts).as_bytes(), &expected, None);
}

#[test]
fn a_documents_own_entities_are_not_expanded() {
    let document = format!(
        "<!DOCTYPE l [<!ENTITY a 'lol'>]>{}",
        packet("", &list("dc:subject", &["&a;x"]))
    );
    check(document.as_bytes(), &tagged(&["x"]), None);
}

#[test]
fn long_texts_and_many_tags_are_cut_alike() {
    let (title, tag) = ("t".repeat(5000), "g".repeat(400));
    let many: Vec<String> = (0..1500).map(|n| format!("n{n}")).collect();
    let many: Vec<&str> = [tag.as_str()]
        .into_iter()
        .chain(many.iter().map(String::as_str))
        .collect();
    let elements = format!("<dc:title>{title}</dc:title>{}", list("dc:subject", &many));
    let places = Places::of(packet("", &elements).as_bytes());
    let sidecar = meaning(&places.detail("bare.gif"), Origin::Xmp);
    assert_eq!(sidecar.tags.len(), 1000);
    assert_eq!(sidecar.title.as_ref().map(String::len), Some(1000));
    for (name, _) in CARRIERS {
        let found = meaning(&places.detail(name), Origin::File);
        assert_eq!(found, sidecar, "{name}");
    }
}

#[test]
fn prefixes_are_free_and_descriptions_may_be_many() {
    let odd = "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
               <r:Description xmlns:q='http://purl.org/dc/elements/1.1/'><q:subject><r:Seq><r:li>sea</r:li></r:Seq>\
               </q:subject></r:Description>\
               <r:Description xmlns='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://example.com/other'>\
               <Rating>2</Rating><dc:subject>not mine</dc:subject></r:Description>\
               <r:Description xmlns:dc='http://purl.org/dc/elements/1.1/' dc:title='Twice'>\
               <dc:title>again</dc:title></r:Description></r:RDF>";
    let expected = Meaning {
        rating: Some("2".into()),
        title: Some("Twice".into()),
        ..tagged(&["sea"])
    };
    check(odd.as_bytes(), &expected, None);
}

#[test]
fn what_ingredients_say_is_not_said_of_the_picture() {
    let pantry = "<x:Pantry xmlns:x='http://example.com/'><rdf:Bag><rdf:li><rdf:Description><dc:title>not mine</dc:title>\
                  </rdf:Description></rdf:li></rdf:Bag></x:Pantry>";
    check(packet("", pantry).as_bytes(), &Meaning::default(), None);
}

#[test]
fn dates_are_those_of_taking_the_picture() {
    let dates =
        "xmp:ModifyDate='2020-01-01T00:00:00' exif:DateTimeOriginal='2019-07-08T10:11:12+02:00'";
    let packet = packet(dates, "");
    check(
        packet.as_bytes(),
        &Meaning::default(),
        Some("2019-07-08T10:11:12"),
    );
}

#[test]
fn a_packet_that_breaks_counts_up_to_there_and_is_named() {
    let whole = packet("xmp:Rating='3'", &list("dc:subject", &["sea", "sun"]));
    let expected = Meaning {
        rating: Some("3".into()),
        ..tagged(&["sea", "sun"])
    };
    let torn = whole.split("</rdf:Bag>").next().unwrap();
    let crossed = whole.replace("</dc:subject>", "</oops>");
    for broken in [torn.as_bytes(), crossed.as_bytes()] {
        check(broken, &expected, None);
        assert_eq!(Places::of(broken).imported.failed.len(), 1);
    }
    let latin = whole.replace("sun", "caf\u{1}").into_bytes();
    let latin: Vec<u8> = latin
        .iter()
        .map(|&b| if b == 1 { 0xe9 } else { b })
        .collect();
    let left_out = Meaning {
        rating: Some("3".into()),
        ..tagged(&["sea", "caf"])
    };
    check(&latin, &left_out, None);
    for nothing in [
        &b"torn <x"[..],
        b"",
        b"\xff\xfe<",
        b"<a>".repeat(500).as_slice(),
    ] {
        check(nothing, &Meaning::default(), None);
    }
}

#[test]
fn a_torn_sidecar_that_says_nothing_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let sidecar = folder.path().join("a.gif.xmp");
    fs::write(folder.path().join("a.gif"), b"GIF89a\x05\0\x03\0").unwrap();
    let library = Arc::new(Library::load(Arc::new(Memory::default())).unwrap());
    let source_files = Arc::new(SourceFiles::open(folder.path()).unwrap());
    let sync = Sync::new(library.clone(), source_files.clone(), Options::default());
    sync.scan(&AtomicBool::new(false)).unwrap();
    let exchange = Exchange {
        folder: SourcePath::default(),
        library: &library,
        source_files: &source_files,
    };
    for content in [packet("", &list("dc:subject", &["sea"])), "<x".into()] {
        fs::write(&sidecar, content).unwrap();
        exchange
            .import(folder.path(), None, &|_, _| Ok(false))
            .unwrap();
    }
    let id = library.index().by_path(&SourcePath::new(&b"a.gif"[..]));
    let detail = library.detail(id.unwrap()).unwrap().unwrap();
    assert_eq!(meaning(&detail, Origin::Xmp), tagged(&["sea"]));
}
