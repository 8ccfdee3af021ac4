//! What cannot be judged at all.

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The disk, or the file is shorter than it says.
    #[error("the bundle cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// No ZIP file, or bytes before or behind it.
    #[error("this is no bundle: a ZIP file without anything behind its end is expected")]
    NotAZip,
    /// The directory of the ZIP file.
    #[error("the directory of the ZIP file is damaged, or asks for more than stored or deflated")]
    Directory,
    /// More than a bundle may have.
    #[error("the ZIP file names more files than a bundle may have")]
    TooLarge,
    /// JSON, and no receipt.
    #[error("this is no receipt of a call: {0}")]
    Receipt(String),
    /// Something that the user gave beside the bundle.
    #[error("{name}: {words}")]
    Given {
        /// Which.
        name: String,
        /// Why.
        words: String,
    },
}
