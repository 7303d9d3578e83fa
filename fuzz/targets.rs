//! What each fuzz target does with bytes, and what must hold whatever they are. `cargo fuzz run TARGET` runs them with new
//! bytes for as long as one likes; `tests/fuzz.rs` runs them as part of the suite.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kbasefs::analysis::tag_normalizer::TagNormalizer;
use kbasefs::analysis::{Scheduler, parse, preview};
use kbasefs::catalog::{
    Change, Facet, Facts, FileStat, FolderPattern, Format, LabelKey, Pattern, SourcePath, Words,
    clean, cut, escape, fold, parse_query, saved_name, unescape,
};
use kbasefs::fuse::MountOptions;
use kbasefs::library::Library;
use kbasefs::media::xmp::{self, Xmp};
use kbasefs::media::{LONGEST_DESCRIPTION, LONGEST_TAG, MOST_TAGS};
use kbasefs::memory::Limit;
use kbasefs::source::facts;
use kbasefs::store::memory::Memory;
use kbasefs::vfs::{self, Caller, Content, Error, Inode, Kind, Options, Tree};

pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Where to begin: what is understood, and what nearly is.
    pub seeds: &'static [&'static [u8]],
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "query",
        run: query,
        seeds: &[
            b"beach -people date:2024 camera:canon",
            b"(dog or \"two words\" or wor*) size:>2MB rating:3..5 is:portrait",
            b"folder:trips/** name:IMG_*.jpg -(tag:a tag:b) pixels:12mp date:2023-12..2024",
        ],
    },
    Target {
        name: "path",
        run: path,
        seeds: &[
            b"tags/beach/-people/a.jpg",
            b"search/beach -dog date:2024/a.jpg",
            b"by-date/2024/07/14/a.jpg",
            b"all/trips/b.jpg",
            b"descriptions/trips/b.jpg.txt",
        ],
    },
    Target {
        name: "escape",
        run: self::escapes,
        seeds: &[b"%2Fa%25 b", b"..", b" a ", "\u{202e}gpj".as_bytes(), b"%"],
    },
    Target {
        name: "facts",
        run: metadata,
        seeds: &[JPEG, PNG, TIFF, GIF, WEBP, ISOBMFF, XMP],
    },
    Target {
        name: "packet",
        run: packet,
        seeds: &[PACKET],
    },
    Target {
        name: "decode",
        run: decode,
        seeds: &[JPEG, PNG, TIFF, GIF, WEBP],
    },
    Target {
        name: "answer",
        run: answer,
        seeds: &[
            br#"{"title": "A dog", "description": "A dog runs.", "tags": ["dog", {"name": "grass", "confidence": "high"}]}"#,
            b"<think>{\"a\":</think>```json\n{\"description\": \"x\\u0041\", \"tags\": \"a, b\", \"kind\": \"Art\"}\n```",
            b"I'm sorry, I can't help with that.",
            b"<!doctype html><html>",
        ],
    },
    Target {
        name: "mount",
        run: mount,
        seeds: &[
            b"rw,noatime,uid=1000,gid=100,umask=027,allow_other",
            b"defaults,x-systemd.automount,comment=a,fsname=b,sloppy,colour=blue",
        ],
    },
    Target {
        name: "words",
        run: words,
        seeds: &[
            "Stra\u{df}e \u{130}stanbul e\u{301}".as_bytes(),
            b"IMG_*?.jpg",
            b"a/**/b*",
            "\u{200d}\u{fe0f}\u{1f469}".as_bytes(),
        ],
    },
];

/// Its printed form means the same.
pub fn query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse_query(&text) {
        Ok(query) => {
            let printed = query.to_string();
            let again = parse_query(&printed);
            assert_eq!(again.as_ref().ok(), Some(&query), "{printed:?}");
        }
        Err(error) => assert!(!error.pointed(&text).is_empty()),
    }
}

/// Whatever resolves has attributes and can be opened, and what a folder lists can be looked up in it.
pub fn path(data: &[u8]) {
    let tree = &*TREE;
    let mut folder = Inode::ROOT;
    for name in data.split(|&b| b == b'/').take(12) {
        let Ok(found) = asked(tree, |tree| tree.namespace.lookup(folder, name)) else {
            return;
        };
        let attr = tree
            .namespace
            .attr(found.inode)
            .expect("what was found is there");
        assert_eq!(attr.kind, found.kind);
        if found.kind == Kind::File {
            if let Content::Text(photo) = tree.open(found.inode).expect("a file opens") {
                tree.text(photo).expect("the store is there");
            }
            return;
        }
        folder = found.inode;
    }
    let Ok(open) = asked(tree, |tree| tree.open_dir(folder, &Caller::NOBODY)) else {
        return;
    };
    let entries = open
        .entries(&tree.namespace, 0)
        .filter(|e| !e.name.starts_with(b"."));
    for entry in entries.take(20) {
        let found = asked(tree, |tree| tree.namespace.lookup(folder, &entry.name));
        assert_eq!(found.map(|a| a.inode), Ok(entry.inode), "{entry:?}");
    }
}

/// Each text has one name, each name one text, and a name is safe to print and to put into a path.
pub fn escapes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let name = escape(&text);
    assert_eq!(unescape(&name).as_deref(), Some(&*text));
    assert!(!name.is_empty() && !name.starts_with('.') && !name.starts_with('-'));
    assert!(!name.contains(|c: char| c == '/' || c.is_control()));
    if let Some(meant) = unescape(&text) {
        assert_eq!(escape(&meant), text);
    }
    for room in 0..name.len().min(300) {
        let short = cut(&name, room);
        assert!(short.len() <= room && name.starts_with(short));
    }
    if let Some(saved) = saved_name(&text) {
        assert_eq!(saved_name(&saved).as_ref(), Some(&saved));
    }
}

/// A file says what it says within bounds, and costs little. The first byte chooses the ending of its name.
pub fn metadata(data: &[u8]) {
    const ENDINGS: [&str; 12] = [
        "jpg", "png", "tif", "gif", "webp", "heic", "avif", "jxl", "bmp", "cr2", "nef", "txt",
    ];
    let Some((&first, content)) = data.split_first() else {
        return;
    };
    let ending = ENDINGS[usize::from(first) % ENDINGS.len()];
    let path = SourcePath::new(format!("a.{ending}").as_bytes());
    let reading = facts::read(&file(content), &stat(content), &path);
    let Some(reading) = reading.expect("memory can be read") else {
        return;
    };
    let facts = reading.facts;
    assert!(reading.bytes_read <= 2 << 20, "{}", reading.bytes_read);
    assert!(
        facts.keywords.len() <= MOST_TAGS,
        "{}",
        facts.keywords.len()
    );
    let texts = [&facts.title, &facts.description, &facts.camera, &facts.lens];
    let texts = texts.into_iter().flatten().chain(&facts.keywords);
    texts.for_each(|text| assert_is_clean(text, LONGEST_DESCRIPTION));
    if let Some(position) = facts.position {
        assert!((-90.0..=90.0).contains(&position.latitude), "{position:?}");
        assert!(
            (-180.0..=180.0).contains(&position.longitude),
            "{position:?}"
        );
    }
    assert!((1..=8).contains(&facts.orientation));
}

/// A packet means something clean and bounded, and what it says stands apart where it says that it does.
pub fn packet(data: &[u8]) {
    let packet = xmp::read_packet(data);
    let said = Xmp::of(&packet);
    assert!(said.tags.len() <= MOST_TAGS, "{}", said.tags.len());
    said.tags
        .iter()
        .for_each(|tag| assert_is_clean(tag, LONGEST_TAG));
    let texts = [said.title, said.description].into_iter().flatten();
    texts.for_each(|text| assert_is_clean(&text, LONGEST_DESCRIPTION));
    assert!(said.rating.is_none_or(|stars| stars <= 5));
    if packet.broken.is_some() {
        return;
    }
    let text = std::str::from_utf8(data).expect("a whole packet is UTF-8");
    let mut done = 0;
    for place in &packet.places {
        assert!(done <= place.start, "{:?}", packet.places);
        assert!(text.get(place.clone()).is_some(), "{place:?}");
        done = place.end;
    }
    assert!(text.get(done..packet.end).is_some(), "{packet:?}");
}

/// A picture is what its size says, or there is a reason.
pub fn decode(data: &[u8]) {
    // The first byte is of the endings of names.
    if let Ok(decoded) = preview::decode(data.get(1..).unwrap_or_default()) {
        let picture = decoded.picture;
        assert!(picture.width.max(picture.height) <= preview::LONGEST_SIDE);
        let bytes = u64::from(picture.width) * u64::from(picture.height) * 3;
        assert_eq!(picture.rgb.len() as u64, bytes);
    }
}

/// What is kept of an answer is clean and bounded.
pub fn answer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let aliases = BTreeMap::from([("automobile".to_owned(), "car".to_owned())]);
    let wordings = [
        TagNormalizer::default(),
        TagNormalizer::new(true)
            .aliases(&aliases)
            .blocked(&["photo".into()]),
        TagNormalizer::default().vocabulary(&["beach".into(), "dog".into()], true),
    ];
    for normalizer in wordings {
        let Ok(answer) = parse::answer(&text, &normalizer) else {
            continue;
        };
        assert!(answer.tags.len() <= 32);
        for tag in &answer.tags {
            assert_is_clean(&tag.name, 64);
            assert!((0.0..=1.0).contains(&tag.confidence), "{tag:?}");
        }
        let texts = [&answer.title, &answer.description];
        texts
            .into_iter()
            .flatten()
            .for_each(|text| assert_is_clean(text, 4000));
    }
}

/// Options are taken or named.
pub fn mount(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = MountOptions::parse(&text) {
        assert!(!error.to_string().is_empty());
        return;
    }
    let twice = format!("{text},{text}");
    assert!(MountOptions::parse(&twice).is_ok(), "{twice:?}");
}

/// Cleaning and folding come to rest, and what is alike has one key.
pub fn words(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for longest in [1, 7, 64, 4000] {
        if let Some(cleaned) = clean(&text, longest) {
            assert_is_clean(&cleaned, longest);
            assert_eq!(clean(&cleaned, longest).as_ref(), Some(&cleaned));
        }
    }
    let folded = fold(&text);
    assert_eq!(fold(&folded), folded);
    let key = LabelKey::new(Facet::Tag, &text);
    assert_eq!(LabelKey::new(Facet::Tag, &folded), key);
    TagNormalizer::new(true).tags(vec![(text.to_string(), 0.5)]);
    let (pattern, name) = text.split_once('\n').unwrap_or((&text, "IMG_1.jpg"));
    if let Some(pattern) = Pattern::new(pattern) {
        // What is the whole of a name is in it.
        let (whole, within) = (
            pattern.is_whole(name.as_bytes()),
            pattern.is_in(name.as_bytes()),
        );
        assert!(within || !whole, "{pattern:?} {name:?}");
    }
    if let Some(folder) = FolderPattern::new(pattern) {
        folder.admits(name.as_bytes());
    }
    if let Some(words) = Words::new(pattern) {
        words.are_in(name);
    }
}

fn assert_is_clean(text: &str, longest: usize) {
    assert!(!text.is_empty() && text.trim() == text, "{text:?}");
    assert!(text.chars().count() <= longest, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// Reads what must be read for an answer, as the mount does.
fn asked<T>(tree: &Tree, ask: impl Fn(&Tree) -> vfs::Result<T>) -> Result<T, String> {
    loop {
        match ask(tree) {
            Err(Error::Unread(words)) => tree.namespace.read(&words).map_err(|e| e.to_string())?,
            answer => return answer.map_err(|e| e.to_string()),
        }
    }
}

/// A few photos to look for.
static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let library = Library::load(Arc::new(Memory::default())).expect("memory can be read");
    let photo = |(n, (path, tags)): (u64, (&str, &str))| {
        let mut facts = Facts::of(Format::Jpeg);
        facts.date = "2024-07-14T00:00:00".parse().ok();
        facts.keywords = tags.split(' ').map(str::to_owned).collect();
        facts.camera = Some("Canon EOS R6".into());
        Change::Found {
            known: None,
            path: SourcePath::new(path.as_bytes()),
            stat: FileStat {
                ino: n,
                ..stat(b"jpeg")
            },
            facts: Box::new(facts),
        }
    };
    let photos = [
        ("a.jpg", "beach sunset"),
        ("trips/b.jpg", "beach dog"),
        ("trips/a.jpg", "dog people 50%/50"),
        ("-odd /.b.jpg", "- ."),
    ];
    let changes: Vec<_> = (1..).zip(photos).map(photo).collect();
    library.commit(&changes).expect("memory takes it");
    let options = Options {
        facet_depth: 2,
        xattr_wait: Duration::ZERO,
        first_results_wait: Duration::ZERO,
        owner: (0, 0),
        spool: std::env::temp_dir(),
        catalog: Default::default(),
    };
    let library = Arc::new(library);
    let scheduler = Scheduler::idle(library.clone());
    let memory = Limit::of(1 << 30);
    Tree::new(library, scheduler, Arc::default(), &memory, options)
});

fn file(content: &[u8]) -> File {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let memory = rustix::fs::memfd_create("picture", flags).expect("there is memory for a file");
    let mut file = File::from(memory);
    file.write_all(content)
        .and_then(|()| file.rewind())
        .expect("there is memory for its content");
    file
}

fn stat(content: &[u8]) -> FileStat {
    FileStat {
        dev: 1,
        ino: 1,
        size: content.len() as u64,
        mtime_ns: 1_700_000_000_000_000_000,
        ctime_ns: 0,
        links: 1,
        attributes: 0,
        mode: 0o644,
        uid: 0,
        gid: 0,
    }
}

// Beginnings of files, with metadata in them. Where the name's ending matters, its byte stands before them all; decoders
// are given the same and find the format by looking at what follows.
const JPEG: &[u8] = b"\0\xff\xd8\xff\xe1\0\x2cExif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0\
    \xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\x55\xff\xd9";
const PNG: &[u8] =
    b"\x01\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x02\x08\0\0\0\0\x57\xdd\x52\xf8\
    \0\0\0\x0dtEXtTitle\0A dog.\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";
const TIFF: &[u8] =
    b"\x02MM\0*\0\0\0\x08\0\x03\x01\0\0\x03\0\0\0\x01\0\x10\0\0\x01\x01\0\x03\0\0\0\x01\0\x10\0\0\
    \x01\x10\0\x02\0\0\0\x04cam\0\0\0\0\0";
const GIF: &[u8] =
    b"\x03GIF89a\x02\0\x02\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x02\0\x02\0\0\x02\x02\x84\x51\0;";
const WEBP: &[u8] =
    b"\x04RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x01\0\0\x01\0\0EXIF\x06\0\0\0II*\0\0\0";
const ISOBMFF: &[u8] =
    b"\x05\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x30meta\0\0\0\0\0\0\0\x24iinf\0\0\0\0\0\x01\
    \0\0\0\x15infe\x02\0\0\0\0\x01\0\0Exif\0";
const XMP: &[u8] = b"\0\xff\xd8\xff\xe1\0\xb4http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
    xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' \
    xmp:Rating='3'/></rdf:RDF></x:xmpmeta>\xff\xd9";
const PACKET: &[u8] = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
    <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' \
    xmlns:lr='http://ns.adobe.com/lightroom/1.0/' xmp:Rating='3.5'><dc:subject><rdf:Bag><rdf:li>a &lt; b</rdf:li></rdf:Bag>\
    </dc:subject><lr:hierarchicalSubject><rdf:Bag><rdf:li>A|B|c</rdf:li></rdf:Bag></lr:hierarchicalSubject><dc:title><rdf:Alt>\
    <rdf:li xml:lang='x-default'>t<![CDATA[u]]></rdf:li></rdf:Alt></dc:title></rdf:Description><rdf:Description/></rdf:RDF>\
    </x:xmpmeta>";
