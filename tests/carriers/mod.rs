//! Photos of nothing but a size that carry an XMP packet, one of each format that can.

type Carrier = (&'static str, fn(&[u8]) -> Vec<u8>);

pub const CARRIERS: [Carrier; 8] = [
    ("a.jpg", jpeg),
    ("b.png", png),
    ("c.webp", webp),
    ("d.heic", heic),
    ("e.avif", avif),
    ("f.jxl", jxl),
    ("g.tif", tiff),
    ("h.png", png_of_imagemagick),
];

fn be(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap().to_be_bytes()
}

fn jpeg(packet: &[u8]) -> Vec<u8> {
    let segment = [b"http://ns.adobe.com/xap/1.0/\0", packet].concat();
    let length = u16::try_from(segment.len() + 2).unwrap().to_be_bytes();
    let size = b"\xff\xc0\0\x0b\x08\0\x03\0\x05\x01\x01\x11\0\xff\xd9";
    [b"\xff\xd8\xff\xe1", &length[..], &segment, size].concat()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&be(content.len())[..], kind, content, b"crc!"].concat()
}

fn png_with(text: &[u8]) -> Vec<u8> {
    let size = chunk(b"IHDR", &[0, 0, 0, 5, 0, 0, 0, 3, 8, 2, 0, 0, 0]);
    let end = chunk(b"IEND", b"");
    [b"\x89PNG\r\n\x1a\n", &size[..], text, &end].concat()
}

fn png(packet: &[u8]) -> Vec<u8> {
    let text = [b"XML:com.adobe.xmp\0\0\0\0\0", packet].concat();
    png_with(&chunk(b"iTXt", &text))
}

/// As hexadecimal digits in a text.
fn png_of_imagemagick(packet: &[u8]) -> Vec<u8> {
    let digits: String = packet.iter().map(|b| format!("{b:02x}")).collect();
    let text = format!(
        "Raw profile type xmp\0\nxmp\n{:8}\n{digits}\n",
        packet.len()
    );
    png_with(&chunk(b"tEXt", text.as_bytes()))
}

fn webp(packet: &[u8]) -> Vec<u8> {
    let size = b"VP8X\x0a\0\0\0\x04\0\0\0\x04\0\0\x02\0\0";
    let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
    [b"RIFF\0\0\0\0WEBP", &size[..], b"XMP ", &length, packet].concat()
}

fn part(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&be(content.len() + 8)[..], kind, content].concat()
}

fn heif(brand: &[u8; 4], packet: &[u8]) -> Vec<u8> {
    let start = part(b"ftyp", &[brand, &[0; 4][..]].concat());
    let entry = b"\x02\0\0\0\0\x02\0\0mime\0application/rdf+xml\0";
    let items = part(
        b"iinf",
        &[&[0, 0, 0, 0, 0, 1], &part(b"infe", entry)[..]].concat(),
    );
    let meta = |at: usize| {
        let place = [
            &[0, 0, 0, 0, 0x44, 0, 0, 1, 0, 2, 0, 0, 0, 1][..],
            &be(at),
            &be(packet.len()),
        ];
        let places = part(b"iloc", &place.concat());
        part(b"meta", &[&[0; 4][..], &items, &places].concat())
    };
    let at = start.len() + meta(0).len() + 8;
    [start, meta(at), part(b"mdat", packet)].concat()
}

fn heic(packet: &[u8]) -> Vec<u8> {
    heif(b"heic", packet)
}

fn avif(packet: &[u8]) -> Vec<u8> {
    heif(b"avif", packet)
}

fn jxl(packet: &[u8]) -> Vec<u8> {
    [part(b"JXL ", b"\r\n\x87\n"), part(b"xml ", packet)].concat()
}

fn tiff(packet: &[u8]) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: usize, value: [u8; 4]| {
        [
            &tag.to_be_bytes()[..],
            &kind.to_be_bytes(),
            &be(count),
            &value,
        ]
        .concat()
    };
    let entries = [
        entry(0x0100, 4, 1, be(5)),
        entry(0x0101, 4, 1, be(3)),
        // Bytes; four or fewer stand in the entry itself.
        entry(0x02bc, 1, packet.len(), be(50)),
    ];
    let directory = [&b"\0\x03"[..], &entries.concat(), &[0; 4]].concat();
    [b"MM\0*\0\0\0\x08", &directory[..], packet].concat()
}
