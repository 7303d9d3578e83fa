//! Bytes that claim to be text.

/// UTF-8 where it is valid, else Latin-1, up to the first NUL.
pub fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&b| b == 0).next().unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(bytes),
    }
}

/// Every byte is the character of this number.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// Little-endian UTF-16, up to the first NUL.
pub fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units.take_while(|&unit| unit != 0))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_encodings_are_read() {
        assert_eq!(decode("café\0junk".as_bytes()), "café");
        assert_eq!(decode(b"caf\xe9"), "café");
        assert_eq!(utf16(b"a\0\xe9\0\0\0b\0"), "aé");
        assert_eq!(utf16(b"a"), "");
    }
}
