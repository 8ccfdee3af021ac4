//! Standard Webhooks: an id that a second copy bears too, the time of sending, and a signature
//! over both and the body, by each secret that holds.

use aws_lc_rs::hmac;
use base::fetch::Request;
use base::secret::Secret;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;

use super::answer::judge;
use super::{Parcel, Trouble, Wires, digest};
use crate::format::Format;
use crate::secrets::signing_key;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

pub(super) async fn send(wires: &Wires, parcel: Parcel<'_>, url: &str) -> Result<String, Trouble> {
    let (kind, body) = match parcel.sink.format {
        Format::CloudEvents => ("application/cloudevents-batch+json", parcel.array()),
        Format::Ocsf => ("application/json", parcel.array()),
        Format::Cef => ("text/plain; charset=utf-8", parcel.lines()),
    };
    let (first, last) = parcel.span();
    let (sink, digest) = (parcel.sink.id.ulid(), digest(body.as_bytes()));
    let id = format!("msg_{sink}_{first}_{last}_{digest}");
    let time = parcel.now.as_second().to_string();
    let secrets = parcel.secrets.ok_or_else(|| Trouble::later("the sink has no secret"))?;
    let mut signatures = Vec::new();
    for secret in secrets.holding(parcel.now) {
        let key =
            signing_key(secret).ok_or_else(|| Trouble::later("the secret is no `whsec_…`"))?;
        signatures.push(signature(&key, &id, &time, &body));
    }
    let post = Request::post(url, kind, body)
        .header(ID, &id)
        .header(TIMESTAMP, &time)
        .secret_header(SIGNATURE, &Secret::new(signatures.join(" ")));
    judge(&wires.ask(parcel.whose, post).await?, parcel.now)
}

fn signature(key: &[u8], id: &str, time: &str, body: &str) -> String {
    let signed = format!("{id}.{time}.{body}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_published_vector() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let key = signing_key(&secret).expect("a key");
        let signed = signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
