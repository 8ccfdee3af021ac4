//! Whether an endpoint that says 404 does not have the model, or only not for what was asked: an
//! aggregator says 404, too, where nobody takes images or tools.

use crate::error::Error;
use crate::wire::tally::ProviderFailure;

/// Codes and types that say it.
const SAID: [&str; 4] = ["model_not_found", "not_found", "not_found_error", "deploymentnotfound"];
/// What stands in front of the words that say it.
const NAMED: [&str; 2] = ["model", "deployment"];
/// The words that say it of what stands in front.
const NOT_THERE: [&str; 4] = ["not found", "not exist", "n't exist", "not available"];
/// Words that say it by themselves.
const WORDS: [&str; 3] = ["no such model", "unknown model", "model_not_found"];

/// Whether the words of a 404 say that the model is not there. In doubt they do not: then they are
/// for the caller, and the endpoint is not judged.
pub(super) fn is_said(body: &[u8]) -> bool {
    let failure = ProviderFailure::of_json(body);
    let codes = failure.iter().flat_map(|failure| [&failure.code, &failure.kind]).flatten();
    if codes.into_iter().any(|code| SAID.contains(&code.to_ascii_lowercase().as_str())) {
        return true;
    }
    let text = match failure {
        Some(failure) if !failure.message.is_empty() => failure.message,
        // Some do not wrap it in `error`, or wrap that once more.
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    text.to_ascii_lowercase().split(". ").any(|sentence| {
        let of_it = |name| sentence.split_once(name).is_some_and(|(_, rest)| any(rest, &NOT_THERE));
        any(sentence, &WORDS) || NAMED.into_iter().any(of_it)
    })
}

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Of two failures the one that the caller is told: what another try may mend, and then what they
/// can mend themselves. Of two that are alike it is the later one.
pub(super) fn told(before: Error, now: Error) -> Error {
    let weight = |error: &Error| match error {
        Error::NoEndpoint(_) => 0,
        Error::NotThere(_) => 1,
        Error::ProviderRefused(..) => 2,
        _ => 3,
    };
    if weight(&now) >= weight(&before) { now } else { before }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_404_blames_the_endpoint_only_where_it_says_that_the_model_is_missing() {
        for said in [
            r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","code":"model_not_found"}}"#,
            r#"{"error":{"message":"The model `a/b-4.1` does not exist.","type":"NotFoundError","code":404}}"#,
            r#"{"object":"error","message":"The model `x` does not exist.","code":404}"#,
            r#"[{"error":{"code":404,"message":"models/x is not found for API version v1main"}}]"#,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment is not here"}}"#,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#,
            r#"{"error":{"message":"model \"x\" not found, try pulling it first"}}"#,
            r#"{"error":"no such model"}"#,
        ] {
            assert!(is_said(said.as_bytes()), "{said}");
        }
        for other in [
            r#"{"error":{"message":"No endpoints found that support tool use.","code":404}}"#,
            r#"{"error":{"message":"No endpoints found matching your data policy (Free model training)","code":404}}"#,
            r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#,
            r#"{"error":{"message":"The file of the message was not found by this model"}}"#,
            r#"{"error":{"message":"This model takes no files. File f was not found"}}"#,
            "<html>404 Not Found</html>",
            "",
        ] {
            assert!(!is_said(other.as_bytes()), "{other}");
        }
    }
}
