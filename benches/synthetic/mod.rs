//! Catalogs made up for the benches: as many photos as are wanted, without files. Ten labels and more each, as skewed
//! as in life: a few tags on many photos, many tags on few.

use kbasefs::catalog::{
    Analysis, Answer, Change, ContentHash, DateSource, Entry, Facts, FileStat, Format, Measured,
    Photo, PhotoId, SourcePath, Status, WallClock,
};

const TAGS_A_PHOTO: u64 = 4;
const PHOTOS_A_FOLDER: u32 = 100;
const PHOTOS_A_DAY: u32 = 60;

/// The arrival of photo `number`: every time the same.
#[allow(dead_code, reason = "not every bench needs all of this")]
pub fn found(number: u32) -> Change {
    Change::Found {
        known: None,
        path: SourcePath::new(path(number).into_bytes()),
        stat: stat(number),
        facts: Box::new(facts(number)),
    }
}

/// What an analysis says of photo `number`, which has the id that a new store gives it.
#[allow(dead_code, reason = "not every bench needs all of this")]
pub fn analyzed(number: u32) -> [Change; 2] {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&number.to_le_bytes());
    let words = ["sunset", "beach", "street", "garden", "party", "mountain"];
    let title = format!(
        "{} {}",
        words[number as usize % 6],
        skewed(number, 20, 100_000)
    );
    let analysis = Analysis {
        hash: ContentHash(hash),
        stat: stat(number),
        analyzer: "embedded".into(),
        model: "m/1".into(),
        version: "1".into(),
        remote: false,
        answer: Answer {
            title: Some(title),
            ..Answer::default()
        },
    };
    let id = PhotoId(number + 1);
    let measured = Change::Measured {
        id,
        stat: analysis.stat,
        hash: analysis.hash,
        measured: Box::new(Measured {
            width: 4000,
            height: 3000,
            colors: Vec::new(),
            perceptual_hash: random(number, 21),
        }),
    };
    let analysis = Box::new(analysis);
    [measured, Change::Analyzed { id, analysis }]
}

/// The same as an index is told of it.
#[allow(dead_code, reason = "not every bench needs all of this")]
pub fn entry(number: u32) -> Entry {
    let (path, facts) = (path(number).into_bytes(), facts(number));
    Entry {
        labels: facts.labels(),
        photo: Photo {
            id: PhotoId(number),
            name: format!("IMG_{number:07}.jpg").into_bytes().into(),
            path: SourcePath::new(path),
            title_name: None,
            stat: stat(number),
            format: facts.format,
            status: Status::Pending,
            date: facts.date,
            hash: None,
            width: facts.width,
            height: facts.height,
            perceptual_hash: None,
            edited: false,
            edition: 0,
            text_bytes: 0,
        },
    }
}

pub fn path(number: u32) -> String {
    let folder = number / PHOTOS_A_FOLDER;
    format!("{:03}/{folder:05}/IMG_{number:07}.jpg", folder / 100)
}

/// The name of the tag that is the `rank`-th most frequent.
pub fn tag(rank: u64) -> String {
    format!("tag{rank:03}")
}

fn stat(number: u32) -> FileStat {
    FileStat {
        dev: 1,
        ino: u64::from(number) + 1000,
        size: 3_000_000 + random(number, 0) % 6_000_000,
        mtime_ns: 1_500_000_000_000_000_000 + i64::from(number) * 1_000_000_000,
        ctime_ns: 1_700_000_000_000_000_000,
        links: 1,
        attributes: 1,
        mode: 0o644,
        uid: 0,
        gid: 0,
    }
}

fn facts(number: u32) -> Facts {
    let mut facts = Facts::of(Format::Jpeg);
    (facts.width, facts.height) = (4000, 3000);
    facts.date = Some(date(number));
    facts.date_source = Some(DateSource::Original);
    facts.camera = Some(format!("Camera {}", skewed(number, 1, 40)));
    let country = skewed(number, 2, 60);
    facts.country = Some(format!("Country {country}"));
    facts.city = Some(format!("City {country}-{}", skewed(number, 3, 20)));
    facts.keywords = (0..TAGS_A_PHOTO)
        .map(|n| tag(skewed(number, 10 + n, 600)))
        .collect();
    facts.keywords.sort();
    facts.keywords.dedup();
    facts
}

fn date(number: u32) -> WallClock {
    let day = number / PHOTOS_A_DAY;
    let (year, month) = (2000 + day / 336 % 100, day / 28 % 12 + 1);
    let small = |n: u32| u8::try_from(n).expect("below 60");
    let year = u16::try_from(year).expect("below 2100");
    let second = small(number % PHOTOS_A_DAY);
    WallClock::new(year, small(month), small(day % 28 + 1), 12, 0, second)
        .expect("every month has 28 days")
}

/// Below `kinds`; the first ones most often.
fn skewed(number: u32, purpose: u64, kinds: u64) -> u64 {
    let wide = random(number, purpose) % kinds;
    let narrow = random(number, purpose + 1000) % (wide + 1);
    random(number, purpose + 2000) % (narrow + 1)
}

/// SplitMix64's mixing of a photo and a purpose.
fn random(number: u32, purpose: u64) -> u64 {
    let mut z = (u64::from(number) << 32 | purpose).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
