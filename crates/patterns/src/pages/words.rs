//! What people call the parts of a pattern.

use super::form::input_of;

/// A part of a pattern, or a field of its editor.
pub(super) fn part(name: &str) -> &'static str {
    match name {
        "name" => "Name",
        "slug" => "Short name",
        "triggers" => "Questions",
        "data_class" => "Data class",
        "answer" => "Answer",
        "system" => "What the model is told first",
        "user" => "What the model is asked",
        "variables" => "Variables",
        "model" => "Model",
        "temperature" => "Temperature",
        "top_p" => "Top p",
        "max_tokens" => "Tokens of an answer at most",
        "values" => "Values",
        "stop" => "Texts at which the model stops",
        _ => "Settings of the model",
    }
}

/// The field of the editor in which a flaw is mended.
pub(super) fn input(pointer: &str) -> &'static str {
    part(input_of(pointer))
}
