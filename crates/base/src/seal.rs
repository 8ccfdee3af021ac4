//! Keyed hashes and sealing (authenticated encryption) under one root key.
//!
//! A root key is 32 random bytes in a file that only the server may read, one for
//! each region and one for the directory. Everything else is derived from it by
//! HKDF-SHA-256 (RFC 5869) under a label, so keys of different uses never meet.

use std::fmt;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use zeroize::Zeroizing;

/// The key from which all others of a region are derived.
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; 32]>);

/// Makes keyed hashes (HMAC-SHA-256) of one kind of thing.
#[derive(Clone)]
pub struct Mac(hmac::Key);

/// Seals and opens bytes (AES-256-GCM, random nonce) of one kind of thing.
pub struct Sealer(LessSafeKey);

/// The bytes were not sealed by this key for this purpose, or were altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed bytes could not be opened")]
pub struct NotOpened;

struct Len32;

impl hkdf::KeyType for Len32 {
    fn len(&self) -> usize {
        32
    }
}

impl RootKey {
    /// Reads the key from a file, or makes one there (mode 0600) when there is none.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
                    io::Error::new(io::ErrorKind::InvalidData, "a root key has 32 bytes")
                })?;
                Ok(Self(Zeroizing::new(key)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::fresh()?;
                // Before anything is sealed under it.
                write_settled(path, key.0.as_slice())?;
                Ok(key)
            }
            Err(error) => Err(error),
        }
    }

    /// A key that was kept sealed: 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotOpened> {
        bytes.try_into().map(|bytes| Self(Zeroizing::new(bytes))).map_err(|_| NotOpened)
    }

    /// Its bytes, to be sealed by another key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A new random key.
    pub fn fresh() -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(key.as_mut_slice()).map_err(|_| io::Error::other("no randomness"))?;
        Ok(Self(key))
    }

    fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"portico/v1");
        let parent = salt.extract(self.0.as_slice());
        let filled = parent
            .expand(&[label.as_bytes()], Len32)
            .and_then(|derived| derived.fill(key.as_mut_slice()));
        debug_assert!(filled.is_ok(), "32 bytes are within HKDF's bound");
        key
    }

    /// Keyed hashes for one purpose: `"identity/key"`.
    pub fn mac(&self, label: &str) -> Mac {
        Mac(hmac::Key::new(hmac::HMAC_SHA256, self.derive(label).as_slice()))
    }

    /// Sealing for one purpose: `"server/idempotency"`.
    pub fn sealer(&self, label: &str) -> io::Result<Sealer> {
        UnboundKey::new(&AES_256_GCM, self.derive(label).as_slice())
            .map(|key| Sealer(LessSafeKey::new(key)))
            .map_err(|_| io::Error::other("no sealing key"))
    }
}

impl Mac {
    /// The keyed hash of `bytes`.
    pub fn tag(&self, bytes: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.0, bytes).as_ref());
        tag
    }
}

impl Sealer {
    /// Seals `bytes`; `purpose` must be given again to open them.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| NotOpened)?;
        let mut body = bytes.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut body,
            )
            .map_err(|_| NotOpened)?;
        Ok([nonce.as_slice(), body.as_slice()].concat())
    }

    /// Opens what [`Sealer::seal`] sealed.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(NotOpened)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotOpened)?;
        let mut body = body.to_vec();
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_| NotOpened)?;
        Ok(opened.to_vec())
    }
}

/// `N` random bytes from the operating system.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(bytes)
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(left, right).into()
}

/// Writes a new file that only its owner may read (mode 0600), whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(file.path(), bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The same, and on disk when this returns, in a folder of [`make_folder`].
pub fn write_settled(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_folder(folder_of(path))?;
    write_private(path, bytes)?;
    settle(path)
}

/// Makes a folder that only its owner may enter (mode 0700), and those above it, where there are
/// none; each that was made is on disk under its name when this returns.
pub fn make_folder(path: &Path) -> io::Result<()> {
    make_settled(path, &mut settle)
}

/// Has it on disk that a file or a folder is in its folder, or is not any more.
pub fn settle(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn make_settled(path: &Path, settle: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    // The folder of a relative path of one part is named by nothing.
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    make_settled(folder_of(path), settle)?;
    match DirBuilder::new().mode(0o700).create(path) {
        // Somebody else was faster, and may not have it on disk yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    settle(path)
}

/// The folder in which a path lies; that of a relative path of one part is where we are.
fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[root key]")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[mac key]")
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealing key]")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn every_folder_that_was_made_is_settled_in_the_one_above_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| place.path().join(name);
        let (mut settled, deep) = (Vec::new(), folder("a/b/c"));
        make_settled(&deep, &mut |path| {
            assert!(path.is_dir(), "it was made before");
            settled.push(path.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(settled, [folder("a"), folder("a/b"), folder("a/b/c")]);
        // What the disk does not take is said, and what is there is settled already.
        let full = |_: &Path| Err(io::Error::from(io::ErrorKind::StorageFull));
        make_settled(&folder("a/b/d"), &mut { full }).unwrap_err();
        make_settled(&deep, &mut { full }).unwrap();
        write_settled(&folder("x/y/file"), b"1").unwrap();
        for name in ["a/b/c", "x", "x/y"] {
            let mode = std::fs::metadata(folder(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{name}");
        }
        assert_eq!(folder_of(Path::new("file")), Path::new("."));
    }

    #[test]
    fn what_was_sealed_for_one_purpose_opens_for_no_other() {
        let root = RootKey::fresh().unwrap();
        let sealer = root.sealer("test").unwrap();
        let bytes = sealer.seal("a", b"hello").unwrap();
        assert_eq!(sealer.open("a", &bytes).unwrap(), b"hello");
        assert_eq!(sealer.open("b", &bytes), Err(NotOpened));
        assert_eq!(sealer.open("a", &bytes[1..]), Err(NotOpened));
        assert_eq!(root.sealer("other").unwrap().open("a", &bytes), Err(NotOpened));
        assert_ne!(root.mac("a").tag(b"x"), root.mac("b").tag(b"x"));
    }
}
