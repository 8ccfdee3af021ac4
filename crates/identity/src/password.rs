//! Passwords: Argon2id, a few at once, so that sign-ins cannot take the machine.

use std::io;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base::seal;
use base::secret::Secret;
use tokio::sync::SemaphorePermit;

use crate::Error;
use crate::gate::Gate;

/// 19 MiB, two passes, one lane: OWASP's floor of 2024 and about 20 ms here.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Sign-ins that wait for their turn at most.
const WAITING_MAX: usize = 32;

#[derive(Debug)]
pub(crate) struct Passwords {
    gate: Gate,
    /// Compared with when there is nobody of this name, so that it takes as long.
    nobody: String,
}

impl Passwords {
    pub(crate) fn new(at_once: usize) -> io::Result<Self> {
        Ok(Self { gate: Gate::new(at_once, WAITING_MAX), nobody: of_nobody()? })
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.gate.enter().await
    }

    /// The PHC string to store.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String, Error> {
        let _turn = self.turn().await?;
        let password = password.clone();
        Ok(aside(move || hash(&password)).await??)
    }

    /// Whether the password is right; never when there is nothing to compare it with.
    pub(crate) async fn verify(
        &self,
        _turn: &SemaphorePermit<'_>,
        password: &Secret,
        stored: Option<&str>,
    ) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        let password = password.clone();
        let right = aside(move || {
            let stored = PasswordHash::new(&stored).map_err(io::Error::other)?;
            let right = argon2()?.verify_password(password.reveal().as_bytes(), &stored).is_ok();
            Ok::<_, io::Error>(right)
        });
        Ok(right.await?? && known)
    }
}

/// Off the threads that answer requests.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

fn params() -> io::Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(io::Error::other)
}

fn argon2() -> io::Result<Argon2<'static>> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

/// What no password leads to. It is not computed: a process that checks none need not wait for it.
fn of_nobody() -> io::Result<String> {
    let (salt, hash) = (seal::random::<16>()?, seal::random::<{ Params::DEFAULT_OUTPUT_LEN }>()?);
    let nobody = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params()?).map_err(io::Error::other)?,
        salt: Some(Salt::new(&salt).map_err(io::Error::other)?),
        hash: Some(Output::new(&hash).map_err(io::Error::other)?),
    };
    Ok(nobody.to_string())
}

fn hash(password: &Secret) -> io::Result<String> {
    let salt = seal::random::<16>()?;
    argon2()?
        .hash_password_with_salt(password.reveal().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_with_the_stated_cost() {
        let passwords = Passwords::new(1).unwrap();
        let secret = Secret::new("correct horse battery".to_owned());
        let stored = passwords.hash(&secret).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, passwords.hash(&secret).await.unwrap(), "salted");
        let turn = passwords.turn().await.unwrap();
        let wrong = Secret::new("correct horse batterz".to_owned());
        assert!(passwords.verify(&turn, &secret, Some(&stored)).await.unwrap());
        assert!(!passwords.verify(&turn, &wrong, Some(&stored)).await.unwrap());
        assert!(!passwords.verify(&turn, &secret, None).await.unwrap());

        // It takes as long to be compared with.
        let costs = |kept: &str| {
            let PasswordHash { algorithm, version, params, salt, hash } =
                PasswordHash::new(kept).unwrap();
            (algorithm, version, params, salt.unwrap().len(), hash.unwrap().len())
        };
        assert_eq!(costs(&passwords.nobody), costs(&stored));
    }
}
