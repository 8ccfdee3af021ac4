//! Finding things by the names that people know them by.

use serde_json::{Value, json};

use crate::driver::Refused;
use crate::page::Page;

/// How `WebDriver` marks an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Buttons, links and whatever else is pressed.
    Press,
    /// What is filled in.
    Field,
}

/// The id of an element that the browser gave.
pub(crate) fn element(value: &Value) -> Option<String> {
    value[ELEMENT].as_str().map(str::to_owned)
}

impl Page {
    /// The one thing of this name, or why there is none.
    pub(crate) async fn find(
        &self,
        kind: Kind,
        name: &str,
        place: Option<&str>,
    ) -> Result<String, Refused> {
        let kind = match kind {
            Kind::Press => "press",
            Kind::Field => "field",
        };
        let args = json!([kind, name, place]);
        let found = self.driver.script(include_str!("find.js"), args).await?;
        element(&found["found"]).ok_or_else(|| {
            let place = place.map(|place| format!(" in \"{place}\"")).unwrap_or_default();
            Refused(format!(
                "{} things are named \"{name}\"{place}; there are {}",
                found["count"], found["names"]
            ))
        })
    }
}
