//! Photos made for measuring, and a native folder that shows them as the mount does: by hard links.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};

const PHOTOS: usize = 12_000;
const PHOTOS_A_FOLDER: usize = 100;
const LARGE: usize = 40;
/// Photos of the tag `many`; the tag `most` is on 6,467 of them, `half` on every second.
pub const MANY: usize = 10_000;
/// Photos that nobody has looked at, for those who wait.
pub const UNSEEN: usize = 64;

pub struct Collection {
    pub source: PathBuf,
    /// `all/` and `tags/`, as in the mount.
    pub native: PathBuf,
    /// A thousand files of `tags/many`, scattered.
    pub sample: Vec<String>,
    /// Files of five megabytes, from the top of the tree.
    pub large: Vec<String>,
    pub unseen: Vec<String>,
}

fn name(n: usize) -> String {
    format!("IMG_{n:05}.jpg")
}

fn folder(n: usize) -> String {
    format!("{:02}/{:03}", n / PHOTOS_A_FOLDER / 10, n / PHOTOS_A_FOLDER)
}

fn tags(n: usize) -> Vec<String> {
    let mut tags = vec![format!("kind{:02}", n % 20)];
    tags.extend((n < MANY).then(|| "many".into()));
    tags.extend((n < MANY && n * 7919 % MANY < 6467).then(|| "most".into()));
    tags.extend((n.is_multiple_of(2)).then(|| "half".into()));
    tags
}

impl Collection {
    /// Makes what isn't there yet.
    pub fn make(place: &Path) -> io::Result<Self> {
        let (source, native) = (place.join("source"), place.join("native"));
        let large = |n: usize| format!("large/LARGE_{n:02}.jpg");
        let unseen = |n: usize| format!("unseen/NEW_{n:02}.jpg");
        let collection = Self {
            sample: (0..1000).map(|n| name(n * 7919 % MANY)).collect(),
            large: (0..LARGE).map(large).collect(),
            unseen: (0..UNSEEN).map(unseen).collect(),
            source,
            native,
        };
        let done = place.join("made");
        if !done.exists() {
            collection.fill()?;
            fs::write(done, "")?;
        }
        Ok(collection)
    }

    fn fill(&self) -> io::Result<()> {
        let small = picture(|x, y| [x, y, 90]);
        for n in 0..PHOTOS {
            let bytes = photo(&small, &tags(n), 40_000, n);
            self.add(&format!("{}/{}", folder(n), name(n)), &bytes, &tags(n))?;
        }
        for (n, path) in self.large.iter().enumerate() {
            self.add(path, &photo(&small, &[], 5_000_000, n), &[])?;
        }
        for (path, n) in self.unseen.iter().zip(0..) {
            let own = picture(|x, y| [x.wrapping_mul(n), y, n]);
            self.add(path, &photo(&own, &[], 0, 0), &[])?;
        }
        Ok(())
    }

    fn add(&self, path: &str, bytes: &[u8], tags: &[String]) -> io::Result<()> {
        let original = self.source.join(path);
        create_folder_of(&original)?;
        fs::write(&original, bytes)?;
        let file = path.rsplit('/').next().unwrap_or(path);
        let links = tags.iter().map(|tag| format!("tags/{tag}/{file}"));
        let both = tags.iter().any(|t| t == "most") && tags.iter().any(|t| t == "half");
        let both = both.then(|| format!("tags/most/half/{file}"));
        for link in links.chain([format!("all/{path}")]).chain(both) {
            let link = self.native.join(link);
            create_folder_of(&link)?;
            fs::hard_link(&original, link)?;
        }
        Ok(())
    }

    /// Gives native folders the sub-folders that a mount shows, empty: both have the same entries then.
    pub fn match_folders(&self, mount: &Path) -> io::Result<()> {
        for tag in ["many", "most", "most/half"] {
            let folder = Path::new("tags").join(tag);
            for entry in mount.join(&folder).read_dir()? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    fs::create_dir_all(self.native.join(&folder).join(entry.file_name()))?;
                }
            }
        }
        Ok(())
    }
}

fn create_folder_of(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.parent().expect("every file is in a folder"))
}

fn picture(pixel: impl Fn(u8, u8) -> [u8; 3]) -> Vec<u8> {
    let picture = RgbImage::from_fn(64, 48, |x, y| image::Rgb(pixel(x as u8, y as u8)));
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Jpeg)
        .expect("memory takes a small picture");
    bytes.into_inner()
}

/// A JPEG with these keywords, made so long by noise behind its end.
fn photo(jpeg: &[u8], tags: &[String], length: usize, seed: usize) -> Vec<u8> {
    let words: String = tags
        .iter()
        .map(|t| format!("<rdf:li>{t}</rdf:li>"))
        .collect();
    let packet = format!(
        "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
         xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:subject><rdf:Bag>{words}</rdf:Bag></dc:subject>\
         </rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    let size = u16::try_from(packet.len() + 2).expect("a few tags are short");
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(size.to_be_bytes());
    bytes.extend(packet.as_bytes());
    bytes.extend(&jpeg[2..]);
    let mut noise = vec![0; length.saturating_sub(bytes.len())];
    let mut reader = blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof();
    reader.fill(&mut noise);
    bytes.extend(noise);
    bytes
}
