//! Writes ZIP files.

use std::io::Write as _;

use flate2::Crc;
use flate2::write::DeflateEncoder;

use crate::files::Files;

pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) deflated: bool,
    /// Bytes that the file is said to have, if that is another number.
    pub(crate) said: Option<u32>,
}

pub(crate) fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).expect("deflates");
    encoder.finish().expect("deflates")
}

/// Files in a ZIP: every second one deflated.
pub(crate) fn zip(files: &Files) -> Vec<u8> {
    let members = files.0.iter().enumerate().map(|(at, (name, content))| Member {
        name: name.clone(),
        content: content.clone(),
        deflated: at % 2 == 0,
        said: None,
    });
    write(members)
}

pub(crate) fn write(members: impl IntoIterator<Item = Member>) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    for member in members {
        let at = u32::try_from(out.len()).expect("small");
        let mut crc = Crc::new();
        crc.update(&member.content);
        let data = if member.deflated { packed(&member.content) } else { member.content.clone() };
        let method = if member.deflated { 8u16 } else { 0 };
        let said = member.said.unwrap_or(u32::try_from(member.content.len()).expect("small"));
        let name = member.name.as_bytes();
        let mut shared = Vec::new();
        shared.extend(20u16.to_le_bytes());
        shared.extend(0u16.to_le_bytes());
        shared.extend(method.to_le_bytes());
        shared.extend(0u32.to_le_bytes());
        shared.extend(crc.sum().to_le_bytes());
        shared.extend(u32::try_from(data.len()).expect("small").to_le_bytes());
        shared.extend(said.to_le_bytes());
        shared.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        shared.extend(0u16.to_le_bytes());
        out.extend(0x0403_4b50u32.to_le_bytes());
        out.extend(&shared);
        out.extend(name);
        out.extend(data);
        directory.extend(0x0201_4b50u32.to_le_bytes());
        directory.extend(20u16.to_le_bytes());
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name);
        count += 1;
    }
    let (at, bytes) = (out.len(), directory.len());
    out.extend(directory);
    out.extend(0x0605_4b50u32.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(u32::try_from(bytes).expect("small").to_le_bytes());
    out.extend(u32::try_from(at).expect("small").to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out
}
