//! A bucket of S3: one object for each delivery, named by the first and the last index in it
//! and by what it holds. The same delivery has the same name, and what is there is not
//! written again: a bucket with object lock keeps it. The requests of the store's client go
//! through the one client for addresses that admins give.

use std::{fmt, io};

use async_trait::async_trait;
use base::fetch::{Failed, Fetch, Request};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use object_store::aws::{AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectStore as _, PutMode, RetryConfig};

use super::{ANSWER_BYTES_MAX, DEADLINE, Parcel, Trouble, Wires, digest};
use crate::target::Target;

/// The client of a store, by way of ours.
#[derive(Clone)]
struct Wire(Fetch);

pub(super) async fn send(wires: &Wires, parcel: Parcel<'_>) -> Result<String, Trouble> {
    let Target::S3 { bucket, prefix, region, endpoint, access_key_id } = &parcel.sink.target else {
        return Err(Trouble::later("not a sink of this kind"));
    };
    // Providers that know object lock ask for this name beside the checksum itself.
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-sdk-checksum-algorithm", HeaderValue::from_static("SHA256"));
    let mut builder = AmazonS3Builder::new()
        .with_client_options(ClientOptions::new().with_default_headers(headers))
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(access_key_id)
        .with_secret_access_key(parcel.secret()?.reveal())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_retry(RetryConfig {
            max_retries: 0,
            retry_timeout: DEADLINE,
            ..RetryConfig::default()
        })
        .with_http_connector(Wire(wires.fetch.on_behalf_of(parcel.whose.org.as_str())));
    if let Some(endpoint) = endpoint {
        // Whether it may be asked at all is decided by our own client.
        let plain = endpoint.starts_with("http://");
        builder = builder.with_endpoint(endpoint).with_allow_http(plain);
    }
    let failed = |error: Error| Trouble::later_as("not stored:", why(&error));
    let store = builder.build().map_err(failed)?;
    let body = format!("{}\n", parcel.lines());
    let (first, last) = parcel.span();
    let end = if parcel.sink.format.is_json() { "jsonl" } else { "cef" };
    let name = format!("{first:020}-{last:020}-{}.{end}", digest(body.as_bytes()));
    let folder =
        prefix.split('/').filter(|part| !part.is_empty()).chain([parcel.whose.org.as_str()]);
    let path = folder.chain([name.as_str()]).fold(Path::default(), Path::join);
    match store.put_opts(&path, body.into(), PutMode::Create.into()).await {
        Ok(_) => Ok(format!("stored {path}")),
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            Ok(format!("{path} is there already"))
        }
        Err(error) => Err(failed(error)),
    }
}

/// What went wrong at the bottom of it: what stands above repeats the address.
fn why(error: &Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body: Bytes = body.collect().await?.to_bytes();
        let request = Request::of(http::Request::from_parts(head, body));
        let request = request.deadline(DEADLINE).body_bytes_max(ANSWER_BYTES_MAX);
        let answer = self.0.send(request).await.map_err(|failed| {
            let kind = match &failed {
                Failed::TooSlow(_) => HttpErrorKind::Timeout,
                Failed::Broken(_) | Failed::TooLarge(_) | Failed::Encoded(_) => {
                    HttpErrorKind::Interrupted
                }
                Failed::NotAnAddress
                | Failed::NotHttps
                | Failed::NotSendable
                | Failed::NotFound(_)
                | Failed::Unreachable(_)
                | Failed::Untrusted(..) => HttpErrorKind::Connect,
            };
            HttpError::new(kind, failed)
        })?;
        // The store's client takes a conflict for "is there already". That is what 412 says; a
        // conflict says that nothing was written: somebody else is at it, and may yet give up.
        if answer.status == StatusCode::CONFLICT {
            let said = String::from_utf8_lossy(&answer.body);
            let why = io::Error::other(format!("answered {}: {said}", answer.status));
            return Err(HttpError::new(HttpErrorKind::Unknown, why));
        }
        let mut response = http::Response::new(answer.body.into());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
