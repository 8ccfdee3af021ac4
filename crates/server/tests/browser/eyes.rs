//! What a person sees of a page, and what the browser says about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::driver::Refused;
use crate::page::Page;
use crate::png::smaller;
use crate::tools::environment;

/// The most bytes of a picture that goes into the documentation.
const PICTURE_BYTES_MAX: usize = 150_000;

/// Runs in the page: the faults that keep somebody out, and how many checks were passed.
const CHECKS: &str = "
    const done = arguments[0];
    const told = (rule) => rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${rule.help}: ${node.html}`);
    axe.run(document, { resultTypes: ['violations'] }).then(
        (result) => done({
            faults: result.violations
                .filter((rule) => rule.impact === 'serious' || rule.impact === 'critical')
                .flatMap(told),
            passed: result.passes.length,
        }),
        (error) => done({ error: String(error) }),
    );";

impl Page {
    /// Evaluates in the page, which has been loaded.
    pub(crate) async fn ask(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.driver.script(&script, json!([])).await.expect("a value")
    }

    async fn ask_text(&self, expression: &str) -> String {
        self.ask(expression).await.as_str().unwrap_or_default().to_owned()
    }

    /// The visible text of the page's own part, spaces squeezed.
    pub(crate) async fn text(&self) -> String {
        let text = self.ask_text("(document.querySelector('main') ?? document.body).innerText");
        text.await.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The path with its query.
    pub(crate) async fn path(&self) -> String {
        self.ask_text("location.pathname + location.search").await
    }

    /// The heading of the page.
    pub(crate) async fn heading(&self) -> String {
        self.ask_text("document.querySelector('h1')?.innerText ?? ''").await
    }

    /// Waits until the page shows the text.
    pub(crate) async fn sees(&self, text: &str) {
        self.until(&format!("seeing \"{text}\""), async || {
            let shown = self.text().await;
            shown.contains(text).then_some(()).ok_or_else(|| Refused("not there".to_owned()))
        })
        .await;
    }

    /// Waits until the browser is at the path.
    pub(crate) async fn arrives_at(&self, path: &str) {
        self.until(&format!("arriving at {path}"), async || {
            let now = self.path().await;
            (now == path).then_some(()).ok_or_else(|| Refused(format!("at {now}")))
        })
        .await;
    }

    /// Waits until the expression holds in the page.
    pub(crate) async fn comes_true(&self, expression: &str) {
        self.until(expression, async || {
            let script = format!("return Boolean({expression})");
            let holds = self.driver.script(&script, json!([])).await? == true;
            holds.then_some(()).ok_or_else(|| Refused("it does not".to_owned()))
        })
        .await;
    }

    /// What the browser complained of since it was asked last: errors of scripts, refused
    /// content, failed requests.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        if self.scripted.get() {
            // What the last frame causes is told after it.
            let frames = "const done = arguments[0];
                requestAnimationFrame(() => requestAnimationFrame(() => done()))";
            let body = json!({ "script": frames, "args": [] });
            self.driver.post("execute/async", body).await.expect("two frames");
        }
        let log = self.driver.post("se/log", json!({ "type": "browser" })).await.expect("a log");
        let lines = log.as_array().expect("lines").iter();
        let grave = lines.filter(|line| line["level"] != "INFO" && line["level"] != "DEBUG");
        let said = grave.map(|line| line["message"].as_str().unwrap_or_default().to_owned());
        // The page that the browser itself begins with is not ours.
        said.filter(|complaint| !complaint.starts_with("chrome://")).collect()
    }

    /// The browser has nothing to complain of.
    pub(crate) async fn quiet(&self) {
        self.quiet_but_for("\0").await;
    }

    /// The browser complains of nothing else: it names every answer that is an error.
    pub(crate) async fn quiet_but_for(&self, expected: &str) {
        let mut complaints = self.complaints().await;
        complaints.retain(|complaint| !complaint.contains(expected));
        assert!(complaints.is_empty(), "{}: {complaints:#?}", self.path().await);
    }

    /// Serious and critical faults that keep people with a disability out.
    pub(crate) async fn axe(&self) -> Vec<String> {
        if self.ask("typeof window.axe").await != "object" {
            let checks = std::fs::read_to_string(&self.tools.axe).expect("axe.min.js");
            self.driver.script(&checks, json!([])).await.expect("axe loads");
        }
        let body = json!({ "script": CHECKS, "args": [] });
        let result = self.driver.post("execute/async", body).await.expect("axe runs");
        assert!(result["passed"].as_u64() > Some(5), "axe checked nothing: {result}");
        let faults = result["faults"].as_array().expect("a list").iter();
        faults.map(|fault| fault.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Nobody is kept out, and nobody scrolls sideways.
    pub(crate) async fn serves_everybody(&self) {
        let faults = self.axe().await;
        assert!(faults.is_empty(), "{}: {faults:#?}", self.path().await);
        let width = self.ask("document.documentElement.scrollWidth").await;
        let window = u64::from(self.size.get().0);
        assert!(width.as_u64() <= Some(window), "{} is {width} wide", self.path().await);
    }

    /// What was copied last.
    pub(crate) async fn clipboard(&self) -> String {
        let script = "const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(String(error)))";
        let body = json!({ "script": script, "args": [] });
        let held = self.driver.post("execute/async", body).await.expect("a clipboard");
        held.as_str().unwrap_or_default().to_owned()
    }

    /// A picture of what the window shows: PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let picture = self.driver.get("screenshot").await.expect("a picture");
        STANDARD.decode(picture.as_str().expect("text")).expect("base64")
    }

    /// Keeps a picture for the documentation, where `PORTICO_SCREENS` names a folder.
    pub(crate) async fn keep_picture(&self, name: &str) {
        let picture = smaller(&self.picture().await);
        let length = picture.len();
        assert!(length <= PICTURE_BYTES_MAX, "the picture {name} has {length} bytes");
        if let Some(folder) = environment("PORTICO_SCREENS") {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join(format!("{name}.png")), picture).expect("writes");
        }
    }
}
