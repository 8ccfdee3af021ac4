//! Tools, and which of them the model may or must call.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::Fields;
use crate::wire::{BadAsk, json::Scalar};

/// The two members that a request has for tools.
#[derive(Serialize)]
pub(super) struct Tools<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(&'a RawValue),
    /// A tool that takes nothing still needs to say so.
    Empty {
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

#[derive(Serialize)]
struct Choice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

pub(super) fn translate<'a>(chat: &Fields<'a>) -> Result<Tools<'a>, BadAsk> {
    let tools = chat.list("tools")?.into_iter().map(|(path, raw)| tool(path, raw));
    let tools = tools.collect::<Result<Vec<_>, _>>()?;
    let mut tool_choice = choice(chat)?;
    if tools.is_empty() {
        return match tool_choice {
            Some(_) => Err(BadAsk::bad_value("tool_choice", "needs `tools`")),
            None => Ok(Tools { tools, tool_choice }),
        };
    }
    if chat.flag("parallel_tool_calls")? == Some(false) {
        let choice = tool_choice.get_or_insert(Choice {
            kind: "auto",
            name: None,
            disable_parallel_tool_use: false,
        });
        choice.disable_parallel_tool_use = choice.kind != "none";
    }
    Ok(Tools { tools, tool_choice })
}

fn tool(path: String, raw: &RawValue) -> Result<Tool<'_>, BadAsk> {
    let tool = Fields::of(path, raw)?;
    if tool.need_text("type")? != "function" {
        return Err(BadAsk::unsupported(tool.path("type")));
    }
    let function = tool.need_object("function")?;
    let input_schema = match function.get("parameters") {
        Some(schema) => Schema::Given(schema),
        None => Schema::Empty { kind: "object" },
    };
    Ok(Tool {
        name: function.need_text("name")?,
        description: function.text("description")?,
        input_schema,
        strict: function.flag("strict")?.unwrap_or(false),
    })
}

fn choice<'a>(chat: &Fields<'a>) -> Result<Option<Choice<'a>>, BadAsk> {
    let of = |kind, name| Ok(Some(Choice { kind, name, disable_parallel_tool_use: false }));
    match chat.scalar("tool_choice")? {
        Scalar::Null => Ok(None),
        Scalar::Text(choice) => match &*choice {
            "auto" => of("auto", None),
            "none" => of("none", None),
            "required" => of("any", None),
            _ => Err(BadAsk::bad_value(
                "tool_choice",
                "must be `auto`, `none`, `required` or a function",
            )),
        },
        _ => {
            let choice = chat.need_object("tool_choice")?;
            if choice.need_text("type")? != "function" {
                return Err(BadAsk::unsupported(choice.path("type")));
            }
            of("tool", Some(choice.need_object("function")?.need_text("name")?))
        }
    }
}
