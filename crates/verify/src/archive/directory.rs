//! The directory at the end of a ZIP file.

use std::io::{Read, Seek, SeekFrom};

use super::{DIRECTORY_BYTES_MAX, FILES_MAX, Fields, Member, NAME_BYTES_MAX};
use crate::unreadable::Unreadable;

const END: u32 = 0x0605_4b50;
const END_BYTES: u64 = 22;
const END_64: u32 = 0x0606_4b50;
const END_64_BYTES: u64 = 56;
const LOCATOR_64: u32 = 0x0706_4b50;
const LOCATOR_64_BYTES: u64 = 20;
const ENTRY: u32 = 0x0201_4b50;
/// Marks a number that stands in the extra field instead.
const ELSEWHERE: u32 = 0xffff_ffff;
const EXTRA_64: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Encrypted, patched, strongly encrypted, or with a hidden directory.
const FLAGS_REFUSED: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;

struct End {
    at: u64,
    bytes: u64,
    files: u64,
}

/// Where the directory begins, and the files it names, in its order.
pub(super) fn read<R: Read + Seek>(
    source: &mut R,
) -> Result<(u64, Vec<(String, Member)>), Unreadable> {
    let end = end(source)?;
    if end.files > FILES_MAX || end.bytes > DIRECTORY_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    source.seek(SeekFrom::Start(end.at))?;
    let mut bytes = Vec::new();
    source.take(end.bytes).read_to_end(&mut bytes)?;
    let mut fields = Fields(&bytes);
    let mut members = Vec::new();
    while !fields.0.is_empty() {
        members.push(entry(&mut fields).ok_or(Unreadable::Directory)?);
    }
    if u64::try_from(members.len()) != Ok(end.files) {
        return Err(Unreadable::Directory);
    }
    Ok((end.at, members))
}

/// The record that ends the file; nothing may stand behind it.
fn end<R: Read + Seek>(source: &mut R) -> Result<End, Unreadable> {
    let length = source.seek(SeekFrom::End(0))?;
    let end_at = length.checked_sub(END_BYTES).ok_or(Unreadable::NotAZip)?;
    let bytes = block::<R, 22>(source, end_at)?;
    let mut fields = Fields(&bytes);
    if fields.u32() != Some(END) {
        return Err(Unreadable::NotAZip);
    }
    let mut read = || {
        let disks = [fields.u16()?, fields.u16()?];
        let files = [fields.u16()?, fields.u16()?];
        let (bytes, at) = (fields.u32()?, fields.u32()?);
        Some((disks, files, bytes, at, fields.u16()?))
    };
    let (disks, [files_here, files], bytes, at, comment) = read().ok_or(Unreadable::NotAZip)?;
    if disks != [0, 0] || files_here != files || comment != 0 {
        return Err(Unreadable::NotAZip);
    }
    let large = files == u16::MAX || bytes == ELSEWHERE || at == ELSEWHERE;
    let (end, before) = if large {
        end_64(source, end_at)?
    } else {
        (End { at: at.into(), bytes: bytes.into(), files: files.into() }, end_at)
    };
    // The directory fills the place between the files and its end record: there is one alone.
    if end.at.checked_add(end.bytes) != Some(before) {
        return Err(Unreadable::Directory);
    }
    Ok(end)
}

/// The record of large files, and where it begins.
fn end_64<R: Read + Seek>(source: &mut R, end_at: u64) -> Result<(End, u64), Unreadable> {
    let locator_at = end_at.checked_sub(LOCATOR_64_BYTES).ok_or(Unreadable::Directory)?;
    let record_at = locator_at.checked_sub(END_64_BYTES).ok_or(Unreadable::Directory)?;
    let bytes = block::<R, 76>(source, record_at)?;
    let mut fields = Fields(&bytes);
    let mut read = || {
        let (mark, rest) = (fields.u32()?, fields.u64()?);
        let _versions = fields.u32()?;
        let disks = [fields.u32()?, fields.u32()?];
        let files = [fields.u64()?, fields.u64()?];
        let end = End { bytes: fields.u64()?, at: fields.u64()?, files: files[1] };
        let sound = (mark, rest, disks) == (END_64, END_64_BYTES - 12, [0, 0]);
        let locator = (fields.u32()?, fields.u32()?, fields.u64()?, fields.u32()?);
        let located = locator == (LOCATOR_64, 0, record_at, 1);
        (sound && located && files[0] == files[1]).then_some(end)
    };
    Ok((read().ok_or(Unreadable::Directory)?, record_at))
}

fn block<R: Read + Seek, const N: usize>(source: &mut R, at: u64) -> Result<[u8; N], Unreadable> {
    let mut bytes = [0; N];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn entry(fields: &mut Fields<'_>) -> Option<(String, Member)> {
    if fields.u32()? != ENTRY {
        return None;
    }
    let _versions = fields.u32()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let _time = fields.u32()?;
    let crc = fields.u32()?;
    let (packed, unpacked) = (fields.u32()?, fields.u32()?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let disk = fields.u16()?;
    let _attributes = (fields.u16()?, fields.u32()?);
    let at = fields.u32()?;
    if flags & FLAGS_REFUSED != 0 || !matches!(method, STORED | DEFLATED) || disk != 0 {
        return None;
    }
    let name = fields.take(name.into())?;
    let mut large = Fields(large_fields(fields.take(extra.into())?)?);
    fields.take(comment.into())?;
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let mut number = |short: u32| if short == ELSEWHERE { large.u64() } else { Some(short.into()) };
    let (bytes, packed_bytes, header_at) = (number(unpacked)?, number(packed)?, number(at)?);
    let deflated = method == DEFLATED;
    if !deflated && bytes != packed_bytes {
        return None;
    }
    let name = String::from_utf8(name.to_vec()).ok()?;
    Some((name, Member { header_at, deflated, crc, packed_bytes, bytes }))
}

/// The numbers that did not fit, in an extra field of their own.
fn large_fields(extra: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields(extra);
    while !fields.0.is_empty() {
        let (id, bytes) = (fields.u16()?, fields.u16()?);
        let content = fields.take(bytes.into())?;
        if id == EXTRA_64 {
            return Some(content);
        }
    }
    Some(&[])
}
