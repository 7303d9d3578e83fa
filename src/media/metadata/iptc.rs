//! IPTC records, inside Photoshop's resources (number 0x0404) or bare.
//!
//! The records are those of IIM 4.2: <https://www.iptc.org/std/IIM/4.2/specification/IIMV4.2.pdf>.

use crate::media::metadata::text::decode;

/// The standard has no limit; people give a photo some dozens.
const MOST_KEYWORDS: usize = 500;

/// What the records say. Texts are as written.
#[derive(Debug, Default, PartialEq)]
pub struct Iptc {
    /// 2:05, the object name.
    pub title: Option<String>,
    /// 2:120, the caption.
    pub description: Option<String>,
    /// 2:25, a record each.
    pub keywords: Vec<String>,
    /// 2:55, the date of creation, `20240714`, with 2:60, the time, behind it where it is known: `180359+0200`.
    pub created: Option<String>,
}

/// The id and the content of a Photoshop resource, and what follows it.
fn resource(bytes: &[u8]) -> Option<([u8; 2], &[u8], &[u8])> {
    let (id, rest) = bytes.strip_prefix(b"8BIM")?.split_first_chunk::<2>()?;
    // A name with its length before it, padded to even.
    let name = usize::from(*rest.first()?) + 1;
    let (length, rest) = rest
        .get(name.next_multiple_of(2)..)?
        .split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let content = &rest[..length.min(rest.len())];
    let after = rest
        .get(length.checked_next_multiple_of(2)?..)
        .unwrap_or_default();
    Some((*id, content, after))
}

impl Iptc {
    /// What the records in these bytes say.
    pub fn of(bytes: &[u8]) -> Self {
        let mut iptc = Self::default();
        if bytes.first() == Some(&0x1c) {
            iptc.add(bytes);
        }
        let mut rest = bytes;
        while let Some((id, content, after)) = resource(rest) {
            if id == [4, 4] {
                iptc.add(content);
            }
            rest = after;
        }
        iptc
    }

    fn add(&mut self, mut records: &[u8]) {
        let mut time = None;
        while let Some((&[0x1c, record, field, l1, l0], rest)) = records.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([l1, l0]));
            let Some((value, after)) = rest.split_at_checked(length) else {
                break;
            };
            match (record, field) {
                (2, 5) => self.title = Some(decode(value)),
                (2, 120) => self.description = Some(decode(value)),
                (2, 55) => self.created = Some(decode(value)),
                (2, 60) => time = Some(decode(value)),
                (2, 25) if self.keywords.len() < MOST_KEYWORDS => self.keywords.push(decode(value)),
                _ => {}
            }
            records = after;
        }
        if let (Some(created), Some(time)) = (&mut self.created, time) {
            created.push(' ');
            created.push_str(&time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(field: u8, value: &[u8]) -> Vec<u8> {
        [
            &[0x1c, 2, field, 0, u8::try_from(value.len()).unwrap()],
            value,
        ]
        .concat()
    }

    #[test]
    fn records_are_found_inside_resources_and_bare() {
        let records = [
            record(5, b"caf\xe9"),
            record(25, b"sea"),
            record(25, "größe".as_bytes()),
            record(55, b"20240714"),
            record(60, b"180359+0200"),
        ]
        .concat();
        let expected = Iptc {
            title: Some("café".to_owned()),
            description: None,
            keywords: vec!["sea".to_owned(), "größe".to_owned()],
            created: Some("20240714 180359+0200".to_owned()),
        };
        assert_eq!(Iptc::of(&records), expected);
        let length = u32::try_from(records.len()).unwrap().to_be_bytes();
        let resources = [
            b"8BIM\x03\xed\x02ab\0\0\0\0\x01xx",
            &b"8BIM\x04\x04\0\0"[..],
            &length,
            &records,
        ]
        .concat();
        assert_eq!(Iptc::of(&resources), expected);
    }

    #[test]
    fn torn_records_say_what_they_can() {
        let torn = [record(5, b"sea"), b"\x1c\x02\x19\xff\xffx".to_vec()].concat();
        assert_eq!(Iptc::of(&torn).title.as_deref(), Some("sea"));
        assert_eq!(Iptc::of(b"8BIM\x04\x04\xff"), Iptc::default());
        assert_eq!(
            Iptc::of(b"8BIM\x04\x04\0\0\xff\xff\xff\xff"),
            Iptc::default()
        );
    }
}
