//! How to call a model from a program.

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};
use serde_json::json;

use crate::catalogue::Does;
use crate::view::ModelView;

/// Ready to be copied; the key comes from the environment.
#[derive(Debug)]
pub(super) struct Snippets {
    pub(super) curl: String,
    pub(super) python: String,
    pub(super) node: String,
}

impl Snippets {
    pub(super) fn of(model: &ModelView, uri: &Uri, headers: &HeaderMap) -> Self {
        let base = base_url(uri, headers);
        // JSON writes a text as Python and JavaScript read it, and is safe in quotes of a shell
        // but for the quote itself.
        let name = json!(model.name).to_string();
        let shell = name.replace('\'', r"'\''");
        match model.does {
            Does::Chat => Self {
                curl: format!(
                    "curl {base}/chat/completions \\\n  -H \"authorization: Bearer $PORTICO_KEY\" \\\n  \
                     -H 'content-type: application/json' \\\n  \
                     -d '{{\"model\": {shell}, \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
                ),
                python: format!(
                    "import os\nfrom openai import OpenAI\n\nclient = OpenAI(\n    \
                     base_url=\"{base}\",\n    api_key=os.environ[\"PORTICO_KEY\"],\n)\nanswer = client.chat.completions.create(\n    \
                     model={name},\n    messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\n\
                     print(answer.choices[0].message.content)"
                ),
                node: format!(
                    "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{\n  baseURL: \
                     \"{base}\",\n  apiKey: process.env.PORTICO_KEY,\n}});\nconst answer = await \
                     client.chat.completions.create({{\n  model: {name},\n  messages: [{{ role: \"user\", \
                     content: \"Hello\" }}],\n}});\nconsole.log(answer.choices[0].message.content);"
                ),
            },
            Does::Embeddings => Self {
                curl: format!(
                    "curl {base}/embeddings \\\n  -H \"authorization: Bearer $PORTICO_KEY\" \\\n  \
                     -H 'content-type: application/json' \\\n  \
                     -d '{{\"model\": {shell}, \"input\": \"Hello\"}}'"
                ),
                python: format!(
                    "import os\nfrom openai import OpenAI\n\nclient = OpenAI(\n    \
                     base_url=\"{base}\",\n    api_key=os.environ[\"PORTICO_KEY\"],\n)\nanswer = client.embeddings.create(\n    \
                     model={name},\n    input=\"Hello\",\n)\nprint(answer.data[0].embedding)"
                ),
                node: format!(
                    "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{\n  baseURL: \
                     \"{base}\",\n  apiKey: process.env.PORTICO_KEY,\n}});\nconst answer = await \
                     client.embeddings.create({{ model: {name}, input: \"Hello\" }});\n\
                     console.log(answer.data[0].embedding);"
                ),
            },
        }
    }
}

/// Where the reader reached this Portico, as far as the request says.
fn base_url(uri: &Uri, headers: &HeaderMap) -> String {
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = named.or(uri.authority().map(axum::http::uri::Authority::as_str));
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let host = host.filter(|host| !host.is_empty() && host.chars().all(plain));
    let host = host.unwrap_or("portico.example");
    let here = ["localhost", "127.", "[::1]"].iter().any(|local| host.starts_with(local));
    format!("{}://{host}/v1", if here { "http" } else { "https" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_names_the_address_at_which_the_reader_is() {
        let url = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            base_url(&Uri::from_static("/models"), &headers)
        };
        assert_eq!(url("127.0.0.1:8080"), "http://127.0.0.1:8080/v1");
        assert_eq!(url("ai.example.com"), "https://ai.example.com/v1");
        assert_eq!(url("a$(reboot).example"), "https://portico.example/v1");
        let none = base_url(&Uri::from_static("/models"), &HeaderMap::new());
        assert_eq!(none, "https://portico.example/v1");
    }
}
