//! A log in a bucket of S3, or of whoever speaks like it.
//!
//! What never changes is put with `If-None-Match: *`, so that not even two nodes at once
//! overwrite anything; the checkpoint, which changes, is put with `If-Match` and the `ETag` of the
//! one that it replaces, or with `If-None-Match` where there was none. Give the bucket versions, object lock and a default retention: every
//! file is sent with its SHA-256, as object lock asks, and is then kept by the provider
//! whatever this program or its operator does. How long is said once, for the bucket.

mod wire;

use std::time::Duration;

use async_trait::async_trait;
use base::secret::Secret;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderValue};
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, RetryConfig, UpdateVersion,
};

use self::wire::Wire;
use super::S3Config;
use super::store::{FILE_BYTES_MAX, Store, StoreError};

/// Attempts of one request beyond the first, and how long they may take together: the round
/// is tried again anyway.
const RETRIES_MAX: usize = 3;
const RETRY_FOR: Duration = Duration::from_secs(30);

/// Files below a prefix of a bucket.
#[derive(Debug)]
pub struct S3 {
    bucket: AmazonS3,
    prefix: Path,
}

impl S3 {
    /// The bucket that `config` names, asked over `tls`. Without a secret it is asked as the
    /// machine that this runs on.
    pub fn open(
        config: &S3Config,
        secret_key: Option<&Secret>,
        tls: rustls::ClientConfig,
    ) -> Result<Self, StoreError> {
        // Providers that know object lock ask for this name beside the checksum itself.
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-sdk-checksum-algorithm", HeaderValue::from_static("SHA256"));
        let mut builder = AmazonS3Builder::new()
            .with_client_options(ClientOptions::new().with_default_headers(headers))
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_retry(RetryConfig {
                max_retries: RETRIES_MAX,
                retry_timeout: RETRY_FOR,
                ..RetryConfig::default()
            })
            .with_http_connector(Wire::new(tls));
        if let Some(endpoint) = &config.endpoint {
            let plain = endpoint.starts_with("http://");
            builder = builder.with_endpoint(endpoint).with_allow_http(plain);
        }
        if let (Some(id), Some(secret)) = (&config.access_key_id, secret_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret.reveal());
        }
        let failed = |cause| StoreError::failed(&config.bucket, cause);
        let bucket = builder.build().map_err(failed)?;
        Ok(Self { bucket, prefix: Path::from(config.prefix.as_str()) })
    }

    fn path(&self, path: &str) -> Path {
        path.split('/').fold(self.prefix.clone(), Path::join)
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.look(path).await?.map(|(bytes, _)| bytes))
    }

    /// The bytes of a file, and which version of it they are.
    async fn look(&self, path: &str) -> Result<Option<(Vec<u8>, UpdateVersion)>, StoreError> {
        let found = match self.bucket.get(&self.path(path)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(cause) => return Err(StoreError::failed(path, cause)),
        };
        if found.meta.size > u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX) {
            return Err(StoreError::TooLarge(path.to_owned()));
        }
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: None };
        let bytes = found.bytes().await.map_err(|cause| StoreError::failed(path, cause))?;
        Ok(Some((bytes.to_vec(), version)))
    }
}

#[async_trait]
impl Store for S3 {
    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(path).await
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let payload = bytes.to_vec().into();
        let put = self.bucket.put_opts(&self.path(path), payload, PutMode::Create.into()).await;
        match put {
            Ok(_) => Ok(()),
            Err(cause @ (Error::AlreadyExists { .. } | Error::Precondition { .. })) => {
                match self.read(path).await? {
                    Some(there) if there == bytes => Ok(()),
                    Some(_) => Err(StoreError::Conflict(path.to_owned())),
                    // S3 also says 409 while another put of the same file is under way: then
                    // nothing was written, perhaps by neither.
                    None => Err(StoreError::failed(path, cause)),
                }
            }
            Err(cause) => Err(StoreError::failed(path, cause)),
        }
    }

    async fn replace(
        &self,
        path: &str,
        before: Option<&[u8]>,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let moved = || StoreError::Moved(path.to_owned());
        let mode = match before {
            None => PutMode::Create,
            Some(before) => match self.look(path).await? {
                Some((there, version)) if there == before => PutMode::Update(version),
                Some(_) | None => return Err(moved()),
            },
        };
        match self.bucket.put_opts(&self.path(path), bytes.to_vec().into(), mode.into()).await {
            Ok(_) => Ok(()),
            Err(
                Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. },
            ) => {
                // An attempt whose answer was lost may have done it.
                let done = self.read(path).await?.is_some_and(|there| there == bytes);
                if done { Ok(()) } else { Err(moved()) }
            }
            Err(cause) => Err(StoreError::failed(path, cause)),
        }
    }

    async fn remove(&self, path: &str) -> Result<(), StoreError> {
        match self.bucket.delete(&self.path(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(StoreError::failed(path, cause)),
        }
    }

    async fn files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let within = self.path(folder);
        let listed: Vec<_> = self
            .bucket
            .list(Some(&within))
            .try_collect()
            .await
            .map_err(|cause| StoreError::failed(folder, cause))?;
        let name = |meta: object_store::ObjectMeta| {
            let rest = meta.location.prefix_match(&within)?;
            let rest: Vec<_> = rest.map(|part| part.as_ref().to_owned()).collect();
            Some(format!("{folder}/{}", rest.join("/")))
        };
        let mut names: Vec<String> = listed.into_iter().filter_map(name).collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let place = if folder.is_empty() { self.prefix.clone() } else { self.path(folder) };
        let listed = self.bucket.list_with_delimiter(Some(&place)).await;
        let listed = listed.map_err(|cause| StoreError::failed(folder, cause))?;
        let files = listed.objects.iter().map(|file| &file.location);
        let names = listed.common_prefixes.iter().chain(files).filter_map(Path::filename);
        Ok(names.map(ToOwned::to_owned).collect())
    }
}
