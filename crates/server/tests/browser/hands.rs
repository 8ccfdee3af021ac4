//! What a person does with a page. Everything waits until it can be done.

use serde_json::json;

use crate::driver::Refused;
use crate::finding::{Kind, element};
use crate::page::Page;

/// Keys that are not letters, as `WebDriver` names them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Enter,
    Tab,
}

impl Key {
    const fn code(self) -> char {
        match self {
            Self::Enter => '\u{e007}',
            Self::Tab => '\u{e004}',
        }
    }
}

impl Page {
    /// Presses the button, link or whatever has this name.
    pub(crate) async fn click(&self, name: &str) {
        self.click_where(name, None).await;
    }

    /// The same, where several have this name: in the row, card or form that says `place`.
    pub(crate) async fn click_in(&self, place: &str, name: &str) {
        self.click_where(name, Some(place)).await;
    }

    async fn click_where(&self, name: &str, place: Option<&str>) {
        self.until(&format!("pressing \"{name}\""), async || {
            let found = self.find(Kind::Press, name, place).await?;
            self.driver.post(&format!("element/{found}/click"), json!({})).await
        })
        .await;
    }

    /// Presses it twice, as fast as a nervous finger.
    pub(crate) async fn double_click(&self, name: &str) {
        let what = format!("finding \"{name}\"");
        let found = self.until(&what, async || self.find(Kind::Press, name, None).await).await;
        let there = json!({ "element-6066-11e4-a52e-4f735466cecf": found });
        let step = |kind: &str| json!({ "type": kind, "button": 0 });
        let steps = json!([
            { "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": there },
            step("pointerDown"), step("pointerUp"), step("pointerDown"), step("pointerUp"),
        ]);
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": steps });
        self.driver.post("actions", json!({ "actions": [mouse] })).await.expect("two clicks");
    }

    /// Presses the button that copies this.
    pub(crate) async fn copy(&self, what: &str) {
        let allowed = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.driver.devtools("Browser.grantPermissions", allowed).await;
        let button = format!("document.querySelector('[data-copy=\"{what}\"]')");
        let found = element(&self.ask(&button).await).expect("a button that copies");
        self.driver.post(&format!("element/{found}/click"), json!({})).await.expect("pressed");
        self.comes_true(&format!("{button}.textContent === 'Copied'")).await;
    }

    /// Writes into the field of this label, over what it held.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        self.until(&format!("filling in \"{label}\""), async || {
            let found = self.find(Kind::Field, label, None).await?;
            self.driver.post(&format!("element/{found}/clear"), json!({})).await?;
            let keys = json!({ "text": text });
            self.driver.post(&format!("element/{found}/value"), keys).await
        })
        .await;
    }

    /// Chooses from the list of this label what is called so, or begins so.
    pub(crate) async fn choose(&self, label: &str, option: &str) {
        self.until(&format!("choosing \"{option}\" of \"{label}\""), async || {
            let list = self.find(Kind::Field, label, None).await?;
            let script = "const [list, wanted] = arguments;
                const options = [...list.options ?? []];
                return options.find((option) => option.label.trim() === wanted)
                    ?? options.find((option) => option.label.trim().startsWith(wanted)) ?? null";
            let args = json!([{ "element-6066-11e4-a52e-4f735466cecf": list }, option]);
            let found = self.driver.script(script, args).await?;
            let found = element(&found).ok_or_else(|| Refused("no such option".to_owned()))?;
            self.driver.post(&format!("element/{found}/click"), json!({})).await
        })
        .await;
    }

    /// Ticks the box of this label, if it is not ticked.
    pub(crate) async fn tick(&self, label: &str) {
        self.set_box(label, true).await;
    }

    /// Takes the tick from the box of this label, if there is one.
    pub(crate) async fn untick(&self, label: &str) {
        self.set_box(label, false).await;
    }

    async fn set_box(&self, label: &str, wanted: bool) {
        self.until(&format!("ticking \"{label}\": {wanted}"), async || {
            let found = self.find(Kind::Field, label, None).await?;
            let ticked = self.driver.get(&format!("element/{found}/selected")).await?;
            if ticked == wanted {
                return Ok(());
            }
            self.driver.post(&format!("element/{found}/click"), json!({})).await.map(drop)
        })
        .await;
    }

    /// Presses a key, where the focus is.
    pub(crate) async fn press(&self, key: Key) {
        self.until(&format!("pressing {key:?}"), async || {
            let focus = self.driver.get("element/active").await?;
            let focus = element(&focus).ok_or_else(|| Refused("no focus".to_owned()))?;
            let keys = json!({ "text": key.code() });
            self.driver.post(&format!("element/{focus}/value"), keys).await
        })
        .await;
    }
}
