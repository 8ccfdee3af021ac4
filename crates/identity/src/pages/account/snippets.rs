//! What to paste into a program, with a new key and where this Portico is.

/// A first call in the languages that people ask for.
#[derive(Debug)]
pub(super) struct Snippets {
    pub(super) curl: String,
    pub(super) python: String,
    pub(super) node: String,
}

impl Snippets {
    /// They ask `patterns`, which answers without any provider.
    pub(super) fn of(base_url: &str, key: &str) -> Self {
        Self {
            curl: format!(
                "curl {base_url}/chat/completions \\\n  \
                 -H \"Authorization: Bearer {key}\" \\\n  \
                 -H \"Content-Type: application/json\" \\\n  \
                 -d '{{\"model\": \"patterns\", \"messages\": \
                 [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
            ),
            python: format!(
                "# pip install openai\n\
                 from openai import OpenAI\n\n\
                 client = OpenAI(base_url=\"{base_url}\", api_key=\"{key}\")\n\
                 answer = client.chat.completions.create(\n    \
                 model=\"patterns\",\n    \
                 messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)\n\
                 print(answer.choices[0].message.content)"
            ),
            node: format!(
                "// npm install openai\n\
                 import OpenAI from \"openai\";\n\n\
                 const client = new OpenAI({{ baseURL: \"{base_url}\", apiKey: \"{key}\" }});\n\
                 const answer = await client.chat.completions.create({{\n  \
                 model: \"patterns\",\n  \
                 messages: [{{ role: \"user\", content: \"Hello\" }}],\n}});\n\
                 console.log(answer.choices[0].message.content);"
            ),
        }
    }
}
