//! What a browser's form sends.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::http::{BODY_MAX, NUL, read};
use crate::problem::Problem;

/// A form's fields (`application/x-www-form-urlencoded`). A field that comes several
/// times is a list; line ends are `\n`, whatever the browser sends.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the form as `content-type: application/x-www-form-urlencoded`",
            ));
        }
        let body = read(request, BODY_MAX).await?;
        parse(&body).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::bad_request("malformed_form", "the form is not UTF-8"))?;
    if let Some(pair) = text.split('&').find(|pair| pair.contains("%00") || pair.contains('\0')) {
        let name = pair.split('=').next().unwrap_or_default().replace("%00", "");
        return Err(Problem::invalid(name, NUL));
    }
    let text = text.replace("%0D%0A", "%0A");
    serde_html_form::from_str(&text).map_err(|error| {
        let detail = error.to_string();
        let field = detail.split('`').nth(1).unwrap_or_default().to_owned();
        Problem::invalid(field, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        name: String,
        #[serde(default)]
        role: Vec<String>,
    }

    #[test]
    fn lists_and_lines_arrive_and_what_is_unknown_or_nul_is_refused_by_name() {
        let form: Fields = parse(b"name=a%0D%0Ab&role=x&role=y").unwrap();
        assert_eq!(form, Fields { name: "a\nb".into(), role: vec!["x".into(), "y".into()] });
        for (body, field) in [("name=a&nme=b", "nme"), ("role=x", "name"), ("name=%00", "name")] {
            let problem = parse::<Fields>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.field(), Some(field), "{body}: {problem}");
        }
    }
}
