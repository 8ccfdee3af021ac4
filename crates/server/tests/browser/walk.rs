//! Finding every page as a person does: by following links. The console's own document
//! says which there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::page::Page;
use crate::portico::Portico;

/// Every link of a page that leads to another page of ours.
const LINKS: &str = "[...document.querySelectorAll('a[href]:not([download])')]
    .filter((a) => a.origin === location.origin && !/^\\/(api|v1|assets)\\//.test(a.pathname))
    .map((a) => a.pathname + a.search)";

/// A stream beside the record: no page.
const STREAM: &str = "/record/tail";

/// Every page that the document names.
pub(crate) struct Map {
    /// For whoever is signed in: as `/members/{id}`.
    pub(crate) pages: BTreeSet<String>,
    /// For whoever is not.
    pub(crate) open: BTreeSet<String>,
}

impl Map {
    pub(crate) async fn of(portico: &Portico) -> Self {
        let document = portico.http.get("", "/api/console.json").await.json();
        let (mut pages, mut open) = (BTreeSet::new(), BTreeSet::new());
        for (path, methods) in document["paths"].as_object().expect("paths") {
            let Some(get) = methods.get("get").filter(|_| path != STREAM) else { continue };
            let needs = get["security"].as_array().expect("every page says what it needs");
            let for_all = needs.iter().any(|need| *need == json!({}));
            if for_all {
                open.insert(path.clone())
            } else {
                pages.insert(path.clone())
            };
        }
        Self { pages, open }
    }

    /// The page that an address opens: the one with the most words of its own.
    fn page_of(&self, address: &str) -> Option<&str> {
        let path = address.split('?').next().unwrap_or_default();
        let fits = |page: &str| {
            page.split('/').count() == path.split('/').count()
                && page.split('/').zip(path.split('/')).all(|(a, b)| a == b || a.starts_with('{'))
        };
        let all = self.pages.iter().chain(&self.open).map(String::as_str);
        all.filter(|page| fits(page)).min_by_key(|page| page.matches('{').count())
    }

    /// One address of each page that links lead to, beginning with the last of these.
    pub(crate) async fn walk(&self, page: &Page, from: &[&str]) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut ahead: Vec<String> = from.iter().map(|one| (*one).to_owned()).collect();
        while let Some(address) = ahead.pop() {
            let known = self.page_of(&address);
            let known = known.unwrap_or_else(|| unreachable!("a link leads to {address}"));
            if self.open.contains(known) || found.contains_key(known) {
                continue;
            }
            page.open(&address).await;
            found.insert(known.to_owned(), address);
            let links = page.ask(LINKS).await;
            let links = links.as_array().expect("links").iter().filter_map(Value::as_str);
            ahead.extend(links.map(str::to_owned));
        }
        found
    }
}
