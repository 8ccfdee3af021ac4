//! Files of this cell: the root key, and the secrets of epochs.

use std::path::PathBuf;

use async_trait::async_trait;
use base::seal::{Mac, RootKey, Sealer};
use base::time::{At, SharedClock};
use zeroize::Zeroizing;

use super::epochs::{Epochs, Secret};
use super::{Epoch, Kms, KmsError};

/// Bytes of a sealed key: nonce, key, tag.
const SEALED_BYTES: usize = 12 + 32 + 16;
/// What stands in front of a key that was wrapped in an epoch, and then its number.
const MARK: u8 = b'e';
/// The epoch of keys that were wrapped with the root key alone, which lives for ever.
const OF_THE_ROOT: u64 = 0;

/// Wraps with the root key and the secret of an epoch together: neither suffices alone.
#[derive(Debug)]
pub(crate) struct FileKms {
    root: Sealer,
    bind: Mac,
    epochs: Option<Epochs>,
    clock: SharedClock,
}

impl FileKms {
    /// Wraps under this root key and the epochs in this file, which is made if it is not
    /// there; without a file under the root key alone.
    pub(crate) fn open(
        root: &RootKey,
        epochs: Option<PathBuf>,
        clock: &SharedClock,
    ) -> Result<Self, KmsError> {
        Self::with(root, epochs, clock, Some(clock.now()))
    }

    /// Opens what was wrapped here before, and is no more.
    pub(crate) fn former(
        root: &RootKey,
        epochs: Option<PathBuf>,
        clock: &SharedClock,
    ) -> Result<Self, KmsError> {
        Self::with(root, epochs, clock, None)
    }

    fn with(
        root: &RootKey,
        epochs: Option<PathBuf>,
        clock: &SharedClock,
        first: Option<At>,
    ) -> Result<Self, KmsError> {
        let path = epochs.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let sealer = root.sealer("audit/keeper").map_err(|cause| KmsError::File(path, cause))?;
        let epochs = epochs.map(|path| Epochs::open(path, root.mac("audit/epochs"), first));
        let (bind, epochs) = (root.mac("audit/epoch"), epochs.transpose()?);
        Ok(Self { root: sealer, bind, epochs, clock: clock.clone() })
    }

    fn sealer(&self, secret: &Secret) -> Result<Sealer, KmsError> {
        let key = Zeroizing::new(self.bind.tag(secret.bytes.as_slice()));
        let key = RootKey::from_bytes(key.as_slice()).map_err(|_| KmsError::NotOpened)?;
        key.sealer("audit/org").map_err(|_| KmsError::NotOpened)
    }
}

#[async_trait]
impl Kms for FileKms {
    async fn wrap(&self, purpose: &str, key: &[u8; 32]) -> Result<Vec<u8>, KmsError> {
        let seal = |sealer: &Sealer| sealer.seal(purpose, key).map_err(|_| KmsError::NotOpened);
        let Some(epochs) = &self.epochs else { return seal(&self.root) };
        let secret = epochs.in_use(self.clock.now())?;
        let sealed = seal(&self.sealer(&secret)?)?;
        Ok([&[MARK], secret.epoch.number.to_be_bytes().as_slice(), &sealed].concat())
    }

    async fn unwrap(&self, purpose: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KmsError> {
        let (number, sealed) = apart(wrapped).ok_or(KmsError::Foreign)?;
        let opened = if number == OF_THE_ROOT {
            self.root.open(purpose, sealed)
        } else {
            let epochs = self.epochs.as_ref().ok_or(KmsError::Forgotten)?;
            self.sealer(&epochs.secret(number)?)?.open(purpose, sealed)
        };
        let opened = Zeroizing::new(opened.map_err(|_| KmsError::NotOpened)?);
        let key = <[u8; 32]>::try_from(opened.as_slice());
        key.map(Zeroizing::new).map_err(|_| KmsError::NotOpened)
    }

    fn epoch_of(&self, wrapped: &[u8]) -> Option<u64> {
        apart(wrapped).map(|(number, _)| number)
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, KmsError> {
        self.epochs.as_ref().map_or_else(|| Ok(Vec::new()), Epochs::all)
    }

    fn is_alone(&self) -> bool {
        true
    }

    async fn begin(&self, after: u64, from: At) -> Result<(), KmsError> {
        self.epochs.as_ref().map_or(Ok(()), |epochs| epochs.begin(after, from))
    }

    async fn destroy_before(&self, epoch: u64) -> Result<(), KmsError> {
        self.epochs.as_ref().map_or(Ok(()), |epochs| epochs.destroy_before(epoch))
    }

    async fn check(&self) -> Result<(), KmsError> {
        self.epochs().await.map(drop)
    }
}

/// The epoch in which a key was wrapped, and the sealed key.
fn apart(wrapped: &[u8]) -> Option<(u64, &[u8])> {
    if wrapped.len() == SEALED_BYTES {
        return Some((OF_THE_ROOT, wrapped));
    }
    let (number, sealed) = wrapped.strip_prefix(&[MARK])?.split_first_chunk::<8>()?;
    (sealed.len() == SEALED_BYTES).then(|| (u64::from_be_bytes(*number), sealed))
}

#[cfg(test)]
mod tests {
    use base::testing::StillClock;
    use base::time::Clock as _;
    use jiff::SignedDuration;

    use super::*;

    const KEY: [u8; 32] = [9; 32];

    fn root() -> RootKey {
        RootKey::from_bytes(&[7; 32]).unwrap()
    }

    fn at(file: &std::path::Path, clock: &StillClock) -> Result<FileKms, KmsError> {
        FileKms::open(&root(), Some(file.to_owned()), &clock.shared())
    }

    fn rootless(root: &RootKey) -> FileKms {
        FileKms::open(root, None, &StillClock::new().shared()).unwrap()
    }

    #[tokio::test]
    async fn neither_the_root_key_nor_the_secret_of_an_epoch_opens_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eu");
        let clock = StillClock::new();
        let kms = at(&file, &clock).unwrap();
        let wrapped = kms.wrap("org_a/1", &KEY).await.unwrap();
        assert_eq!(kms.epoch_of(&wrapped), Some(1));
        assert_eq!(*kms.unwrap("org_a/1", &wrapped).await.unwrap(), KEY);
        let other = kms.unwrap("org_b/1", &wrapped).await;
        assert!(matches!(other, Err(KmsError::NotOpened)), "another org's");
        let alone = rootless(&root());
        assert!(matches!(alone.unwrap("org_a/1", &wrapped).await, Err(KmsError::Forgotten)));
        let thief = RootKey::from_bytes(&[8; 32]).unwrap();
        let stolen = FileKms::open(&thief, Some(file), &clock.shared());
        assert!(matches!(stolen, Err(KmsError::File(..))), "the file is of another root key");
    }

    #[tokio::test]
    async fn what_an_earlier_version_wrapped_with_the_root_key_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let wrapped = rootless(&root()).wrap("org_a/1", &KEY).await.unwrap();
        let kms = at(&folder.path().join("eu"), &StillClock::new()).unwrap();
        assert_eq!(*kms.unwrap("org_a/1", &wrapped).await.unwrap(), KEY);
        assert_eq!(kms.epoch_of(&wrapped), Some(0));
    }

    #[tokio::test]
    async fn a_destroyed_secret_is_in_no_byte_of_the_file_and_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eu");
        let clock = StillClock::new();
        let (kms, other) = (at(&file, &clock).unwrap(), at(&file, &clock).unwrap());
        let old = kms.wrap("org_a/1", &KEY).await.unwrap();
        let line = |text: &str, at: usize| text.lines().nth(at).unwrap().to_owned();
        let secret = line(&std::fs::read_to_string(&file).unwrap(), 2);
        let secret = secret.rsplit(' ').next().unwrap().to_owned();

        let from = clock.now() + SignedDuration::from_hours(24);
        kms.begin(1, from).await.unwrap();
        kms.begin(1, from).await.unwrap();
        other.begin(1, from).await.unwrap();
        assert_eq!(kms.epochs().await.unwrap().len(), 2, "one epoch follows one");
        let early = kms.wrap("org_a/1", &KEY).await.unwrap();
        assert_eq!(kms.epoch_of(&early), Some(1), "nobody has backed up the new one yet");
        clock.advance(SignedDuration::from_hours(24));
        let new = kms.wrap("org_a/1", &KEY).await.unwrap();
        assert_eq!(*other.unwrap("org_a/1", &new).await.unwrap(), KEY, "the file is read again");
        assert_eq!(*kms.unwrap("org_a/1", &old).await.unwrap(), KEY);

        kms.destroy_before(2).await.unwrap();
        assert_eq!(kms.epochs().await.unwrap().len(), 1);
        assert!(matches!(kms.unwrap("org_a/1", &old).await, Err(KmsError::Forgotten)));
        assert_eq!(*kms.unwrap("org_a/1", &new).await.unwrap(), KEY);
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(!text.contains(&secret), "{text}");
        }
    }

    #[tokio::test]
    async fn a_file_that_was_altered_or_cut_off_is_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eu");
        let clock = StillClock::new();
        drop(at(&file, &clock).unwrap());
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let (cut, flipped) = (text[..text.len() / 2].to_owned(), text.replacen("1 ", "2 ", 1));
        for altered in [String::new(), cut, flipped, text.to_uppercase()] {
            std::fs::write(&file, &altered).unwrap();
            let opened = at(&file, &clock);
            assert!(matches!(opened, Err(KmsError::File(..))), "{altered}");
        }
    }
}
