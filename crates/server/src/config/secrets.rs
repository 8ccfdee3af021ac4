//! Where the operator's secrets come from. The one place that reads the environment.

use base::secret::Secret;

/// Secrets of the operator: environment variables and files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperatorSecrets;

impl gateway::Secrets for OperatorSecrets {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn env(&self, name: &str) -> Result<Secret, String> {
        std::env::var(name)
            .map(Secret::new)
            .map_err(|_| format!("the environment variable `{name}` is not set"))
    }

    fn file(&self, path: &str) -> Result<Secret, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("`{path}` cannot be read: {error}"))?;
        Ok(Secret::new(text.trim().to_owned()))
    }
}
