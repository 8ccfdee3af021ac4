//! Statements that the cell signs: what was erased, and what stays.
//!
//! They are signed by a key of their own, made of another seed and under another name than
//! those of checkpoints, and no statement has the form of one: neither passes for the other.

use access::Scope;
use tlog::Note;
use tlog::note::{Algorithm, KeyName, Seed};
use tlog::{Signer, Verifier};

use super::Log;
use super::fault::LogError;
use super::keys::Signing;

/// What stands behind the name of an org's log in the name of the key.
const CONTEXT: &str = "statements";

impl Log {
    /// Signs a statement of an org: `kind` is its first line, such as `portico-erasure/v1`,
    /// and `text` what follows. The same text gives the same note at any time.
    pub fn sign_statement(
        &self,
        scope: &Scope,
        kind: &str,
        text: &str,
    ) -> Result<String, LogError> {
        let signer = self.statement_signer(scope)?;
        let mut note = Note::new(format!("{kind}\n{text}")).map_err(|_| LogError::Unsigned)?;
        let signature = signer.sign(note.text(), 0).map_err(|_| LogError::Unsigned)?;
        note.add(signature).map_err(|_| LogError::Unsigned)?;
        Ok(note.to_string())
    }

    /// What others verify an org's statements with, as C2SP `signed-note` writes it.
    pub fn statement_key(&self, scope: &Scope) -> Result<Verifier, LogError> {
        Ok(self.statement_signer(scope)?.verifier().clone())
    }

    fn statement_signer(&self, scope: &Scope) -> Result<Signer, LogError> {
        let born = self.0.record.databases().homes().born(scope.org(), scope.region());
        let cell = self.0.cell(born)?;
        cell.signing.of_statements(scope.org())
    }
}

impl Signing {
    fn of_statements(&self, org: &access::OrgId) -> Result<Signer, LogError> {
        let name = KeyName::new(&format!("{}/{CONTEXT}", self.origin(org.as_str())));
        let name = name.ok_or(LogError::Unsigned)?;
        let seed: &Seed = self.seed_of_statements();
        Signer::new(name, Algorithm::Ed25519, seed).map_err(|_| LogError::Unsigned)
    }
}
