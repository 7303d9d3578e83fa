//! What goes between this process and a worker: a question with a file behind it, an answer with pixels behind it.
//!
//! Both ends are the same program. A worker that a picture has taken over may send anything: what comes from it is bounded
//! before memory is taken, and pixels are all that it can be.

use std::io::{self, Read, Write};

use crate::media::decode::{Decoded, Picture};

/// A worker says this once it is ready and confined.
pub const READY: [u8; 8] = *b"kbasefs\n";

/// Bytes of a reason why a file gives no picture.
const LONGEST_REASON: usize = 4096;

/// A file to decode, whose bytes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// No side of the picture is to be longer.
    pub longest: u32,
    pub length: u64,
}

/// What came of it, or why nothing did.
pub type Answer = Result<Decoded, String>;

/// The kind of an answer, its four numbers and the length of what follows.
type Head = [u32; 6];
const PICTURE: u32 = 1;
const REASON: u32 = 2;

impl Question {
    pub fn send(&self, file: &[u8], to: &mut impl Write) -> io::Result<()> {
        let mut head = [0; 12];
        head[..4].copy_from_slice(&self.longest.to_le_bytes());
        head[4..].copy_from_slice(&self.length.to_le_bytes());
        to.write_all(&head)?;
        to.write_all(file)
    }

    /// `None` when nobody asks any more.
    pub fn receive(from: &mut impl Read) -> io::Result<Option<Self>> {
        let (mut longest, mut length) = ([0; 4], [0; 8]);
        match from.read_exact(&mut longest) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        from.read_exact(&mut length)?;
        Ok(Some(Self {
            longest: u32::from_le_bytes(longest),
            length: u64::from_le_bytes(length),
        }))
    }
}

pub fn send(answer: &Answer, to: &mut impl Write) -> io::Result<()> {
    let (kind, numbers, body) = match answer {
        Ok(decoded) => {
            let Picture { width, height, rgb } = &decoded.picture;
            let numbers = [decoded.width, decoded.height, *width, *height];
            (PICTURE, numbers, &rgb[..])
        }
        Err(reason) => (REASON, [0; 4], cut(reason).as_bytes()),
    };
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let [a, b, c, d] = numbers;
    let head: Head = [kind, a, b, c, d, length];
    to.write_all(head.map(u32::to_le_bytes).as_flattened())?;
    to.write_all(body)
}

/// # Errors
/// When nothing more comes, or what comes is no answer to a question for a picture with no side longer than `longest`.
pub fn receive(longest: u32, from: &mut impl Read) -> io::Result<Answer> {
    let mut head = [[0; 4]; 6];
    from.read_exact(head.as_flattened_mut())?;
    let [kind, width, height, across, down, length] = head.map(u32::from_le_bytes);
    let length = length as usize;
    let is_picture = kind == PICTURE
        && (1..=longest).contains(&across)
        && (1..=longest).contains(&down)
        && length as u64 == u64::from(across) * u64::from(down) * 3;
    if !is_picture && (kind != REASON || length > LONGEST_REASON) {
        return Err(io::Error::other("no answer"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    if !is_picture {
        return Ok(Err(String::from_utf8_lossy(&body).into_owned()));
    }
    Ok(Ok(Decoded {
        picture: Picture {
            width: across,
            height: down,
            rgb: body,
        },
        width,
        height,
    }))
}

fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(LONGEST_REASON)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Answer {
        let rgb = (0..width * height * 3).map(|n| n as u8).collect();
        let picture = Picture { width, height, rgb };
        Ok(Decoded {
            picture,
            width: 4000,
            height: 3000,
        })
    }

    fn sent(answer: &Answer) -> Vec<u8> {
        let mut bytes = Vec::new();
        send(answer, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_sent_arrives() {
        let question = Question {
            longest: 1024,
            length: 4,
        };
        let mut bytes = Vec::new();
        question.send(b"jpeg", &mut bytes).unwrap();
        let mut rest = &bytes[..];
        assert_eq!(Question::receive(&mut rest).unwrap(), Some(question));
        assert_eq!(rest, b"jpeg");
        assert_eq!(Question::receive(&mut &b""[..]).unwrap(), None);
        for answer in [picture(8, 6), Err("picture is damaged: torn".into())] {
            let arrived = receive(8, &mut &sent(&answer)[..]).unwrap();
            assert_eq!(arrived, answer);
        }
    }

    #[test]
    fn what_is_no_answer_to_the_question_is_not_taken() {
        let refused = |bytes: &[u8]| receive(8, &mut &bytes[..]).is_err();
        assert!(refused(&sent(&picture(9, 6))), "longer than was asked for");
        assert!(refused(&sent(&picture(0, 6))), "without pixels");
        let whole = sent(&picture(8, 6));
        assert!(refused(&whole[..whole.len() - 1]), "torn");
        assert!(refused(b""), "nothing");
        let mut long = whole.clone();
        long[20..24].fill(0xff);
        assert!(refused(&long), "more than its size says");
        let mut unknown = whole;
        unknown[0] = 7;
        assert!(refused(&unknown), "of no kind");
        let mut reason = sent(&Err("x".repeat(9000)));
        assert!(!refused(&reason), "cut");
        reason[20..24].fill(0xff);
        assert!(refused(&reason), "endless");
    }
}
