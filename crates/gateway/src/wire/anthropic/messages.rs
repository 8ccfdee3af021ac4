//! The conversation. Anthropic's has two speakers in turn, and system text beside it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    content::{Block, Parts, blocks, push_text, text},
    fields::Fields,
};
use crate::wire::BadAsk;

/// One speaker's turn. Messages of one speaker in a row become one turn: all results of one round of
/// tool calls have to stand together.
#[derive(Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// The system text, and the turns. System messages are lifted out of wherever they stand.
pub(super) fn translate<'a>(chat: &Fields<'a>) -> Result<(Option<String>, Vec<Turn<'a>>), BadAsk> {
    let (mut system, mut turns) = (Vec::new(), Vec::new());
    for (path, raw) in chat.list("messages")? {
        let message = Fields::of(path, raw)?;
        match &*message.need_text("role")? {
            "system" | "developer" => system.push(text(&message)?),
            "user" => {
                let content = blocks(&message, Parts::TextAndImages)?;
                if content.is_empty() {
                    return Err(BadAsk::bad_value(message.path("content"), "must not be empty"));
                }
                add(&mut turns, "user", content);
            }
            "assistant" => add(&mut turns, "assistant", assistant(&message)?),
            "tool" => {
                let tool_use_id = message.need_text("tool_call_id")?;
                let result = Block::ToolResult { tool_use_id, content: text(&message)? };
                add(&mut turns, "user", vec![result]);
            }
            _ => return Err(BadAsk::unsupported(message.path("role"))),
        }
    }
    if turns.is_empty() {
        return Err(BadAsk::bad_value("messages", "must hold at least one message of a user"));
    }
    system.retain(|text| !text.is_empty());
    Ok(((!system.is_empty()).then(|| system.join("\n\n")), turns))
}

fn add<'a>(turns: &mut Vec<Turn<'a>>, role: &'static str, content: Vec<Block<'a>>) {
    match turns.last_mut() {
        _ if content.is_empty() => {}
        Some(turn) if turn.role == role => turn.content.extend(content),
        _ => turns.push(Turn { role, content }),
    }
}

fn assistant<'a>(message: &Fields<'a>) -> Result<Vec<Block<'a>>, BadAsk> {
    message.refuse(&["function_call", "audio"])?;
    let mut content = blocks(message, Parts::Text)?;
    push_text(&mut content, message.text("refusal")?.unwrap_or_default());
    for (path, raw) in message.list("tool_calls")? {
        let call = Fields::of(path, raw)?;
        let function = call.need_object("function")?;
        content.push(Block::ToolUse {
            id: call.need_text("id")?,
            name: function.need_text("name")?,
            input: input(&function)?,
        });
    }
    Ok(content)
}

/// OpenAI writes arguments as text that holds JSON; Anthropic as the JSON itself.
fn input(function: &Fields<'_>) -> Result<Box<RawValue>, BadAsk> {
    let arguments = match function.text("arguments")? {
        Some(arguments) if !arguments.trim().is_empty() => arguments,
        _ => Cow::Borrowed("{}"),
    };
    let wrong =
        || BadAsk::bad_value(function.path("arguments"), "must be the text of a JSON object");
    let input = RawValue::from_string(arguments.into_owned()).map_err(|_| wrong())?;
    if input.get().trim_ascii().starts_with('{') { Ok(input) } else { Err(wrong()) }
}
