//! What a message holds: blocks of text, images, calls of tools and their results.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::Fields;
use crate::wire::{BadAsk, json::Scalar};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text { text: Cow<'a, str> },
    Image { source: Source<'a> },
    ToolUse { id: Cow<'a, str>, name: Cow<'a, str>, input: Box<RawValue> },
    ToolResult { tool_use_id: Cow<'a, str>, content: Cow<'a, str> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'static str, data: Cow<'a, str> },
    Url { url: Cow<'a, str> },
}

/// Which parts a message may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    Text,
    TextAndImages,
}

/// The `content` of a message. Empty text is left out: it says nothing, and Anthropic refuses it.
pub(super) fn blocks<'a>(message: &Fields<'a>, parts: Parts) -> Result<Vec<Block<'a>>, BadAsk> {
    let mut blocks = Vec::new();
    match message.scalar("content")? {
        Scalar::Null => {}
        Scalar::Text(text) => push_text(&mut blocks, text),
        _ => {
            for (path, raw) in message.list("content")? {
                let part = Fields::of(path, raw)?;
                match (&*part.need_text("type")?, parts) {
                    ("text", _) => push_text(&mut blocks, part.need_text("text")?),
                    ("refusal", Parts::Text) => push_text(&mut blocks, part.need_text("refusal")?),
                    ("image_url", Parts::TextAndImages) => blocks.push(image(&part)?),
                    _ => return Err(BadAsk::unsupported(part.path("type"))),
                }
            }
        }
    }
    Ok(blocks)
}

/// The `content` of a message that is text and nothing else.
pub(super) fn text<'a>(message: &Fields<'a>) -> Result<Cow<'a, str>, BadAsk> {
    let mut texts = blocks(message, Parts::Text)?.into_iter().filter_map(|block| match block {
        Block::Text { text } => Some(text),
        Block::Image { .. } | Block::ToolUse { .. } | Block::ToolResult { .. } => None,
    });
    let first = texts.next().unwrap_or_default();
    Ok(texts.fold(first, |joined, text| joined + text))
}

pub(super) fn push_text<'a>(blocks: &mut Vec<Block<'a>>, text: Cow<'a, str>) {
    if !text.is_empty() {
        blocks.push(Block::Text { text });
    }
}

fn image<'a>(part: &Fields<'a>) -> Result<Block<'a>, BadAsk> {
    let image = part.need_object("image_url")?;
    let url = image.need_text("url")?;
    if url.starts_with("https://") {
        return Ok(Block::Image { source: Source::Url { url } });
    }
    let wrong = |what| BadAsk::bad_value(image.path("url"), what);
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let (media_type, data) =
        inline.ok_or_else(|| wrong("must be an `https:` URL or a base64 `data:` URL"))?;
    let media_type = match media_type {
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/png" => "image/png",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        _ => return Err(wrong("must hold a JPEG, PNG, GIF or WebP for this model")),
    };
    // The data is most of the body: move the text it lies in rather than copy it.
    let start = url.len().saturating_sub(data.len());
    let data = match url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(start..).unwrap_or_default()),
        Cow::Owned(mut url) => Cow::Owned(url.split_off(start)),
    };
    Ok(Block::Image { source: Source::Base64 { media_type, data } })
}
