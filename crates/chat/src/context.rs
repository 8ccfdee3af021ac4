//! What a model is sent of a conversation: its last messages, within bounds.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::kept::{Message, Role};

/// Messages that are sent at most.
pub(crate) const CONTEXT_MESSAGES_MAX: i64 = 40;
/// Bytes of text that are sent at most, about 24,000 tokens. The question always is.
const CONTEXT_BYTES_MAX: usize = 96 << 10;

/// A chat completion of the last messages, given newest first.
pub(crate) fn request(model: &str, newest_first: &[Message]) -> Bytes {
    let messages: Vec<Value> = within(newest_first)
        .into_iter()
        .rev()
        .map(|message| json!({ "role": message.role.as_str(), "content": message.text }))
        .collect();
    let request = json!({
        "model": model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    Bytes::from(request.to_string())
}

/// What fits, newest first. It begins with a question, and a question without an answer is
/// left out, save for the last: some models insist that the two sides take turns.
fn within(newest_first: &[Message]) -> Vec<&Message> {
    let mut sent: Vec<&Message> = Vec::new();
    let mut bytes = 0_usize;
    for message in newest_first {
        let before = sent.last().map(|message| message.role);
        if message.text.is_empty() || before == Some(message.role) {
            continue;
        }
        bytes = bytes.saturating_add(message.text.len());
        if !sent.is_empty() && bytes > CONTEXT_BYTES_MAX {
            break;
        }
        sent.push(message);
    }
    while sent.last().is_some_and(|message| message.role == Role::Assistant) {
        sent.pop();
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;

    fn said(roles: &[(Role, &str)]) -> Vec<Message> {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let message = |(role, text): &(Role, &str)| Message {
            id: MessageId::new(at),
            position: 1,
            role: *role,
            text: (*text).to_owned(),
            at,
            answer: None,
        };
        roles.iter().rev().map(message).collect()
    }

    fn sent(roles: &[(Role, &str)]) -> Vec<String> {
        let body = request("m", &said(roles));
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text = |message: &Value| message["content"].as_str().unwrap().to_owned();
        body["messages"].as_array().unwrap().iter().map(text).collect()
    }

    #[test]
    fn the_two_sides_take_turns_and_the_last_question_is_always_sent() {
        use Role::{Assistant, User};
        let all = [(User, "a"), (Assistant, "b"), (User, "c")];
        assert_eq!(sent(&all), ["a", "b", "c"]);
        let refused = [(User, "a"), (Assistant, ""), (User, "c"), (Assistant, "d"), (User, "e")];
        assert_eq!(sent(&refused), ["c", "d", "e"]);
        let large = "x".repeat(CONTEXT_BYTES_MAX);
        assert_eq!(sent(&[(User, "a"), (Assistant, "b"), (User, &large)]), [large.as_str()]);
        assert_eq!(sent(&[(User, &large), (Assistant, "b"), (User, "c")]), ["c"]);
    }
}
