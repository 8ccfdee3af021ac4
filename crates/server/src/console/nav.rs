//! Where one can go: the console's map. What somebody may not open is not shown to
//! them; the door says which that is.

use access::Caller;
use axum::http::Method;
use base::page::{Link, Section};

use crate::permits::Permits;

/// One place of the navigation, with the pages that stand beside it as tabs.
struct Place {
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    tabs: &'static [(&'static str, &'static str)],
}

const fn place(label: &'static str, href: &'static str, icon: &'static str) -> Place {
    Place { label, href, icon, tabs: &[] }
}

const MAP: &[(&str, &[Place])] = &[
    (
        "",
        &[
            place("Start", "/", "home"),
            place("Chat", "/chat", "chat"),
            place("Patterns", "/patterns", "pattern"),
            place("Models", "/models", "model"),
            place("Keys", "/keys", "key"),
        ],
    ),
    (
        "Govern",
        &[
            Place {
                label: "People and access",
                href: "/members",
                icon: "people",
                tabs: &[
                    ("Members", "/members"),
                    ("Teams", "/teams"),
                    ("Service accounts", "/services"),
                    ("Roles", "/roles"),
                    ("Grants", "/grants"),
                    ("Explain access", "/access"),
                    ("Sessions", "/people/sessions"),
                    ("Reviews", "/reviews"),
                ],
            },
            Place {
                label: "Single sign-on",
                href: "/connections",
                icon: "exit",
                tabs: &[
                    ("Connections", "/connections"),
                    ("Domains", "/domains"),
                    ("Directories", "/directories"),
                ],
            },
            Place {
                label: "Limits",
                href: "/limits",
                icon: "limit",
                tabs: &[("Limits", "/limits"), ("Budgets", "/limits/budgets")],
            },
            place("Usage", "/usage", "usage"),
            Place {
                label: "Record",
                href: "/record",
                icon: "record",
                tabs: &[("Events", "/record"), ("Streams", "/streams")],
            },
            Place {
                label: "Privacy",
                href: "/privacy",
                icon: "person",
                tabs: &[("People", "/privacy"), ("Legal holds", "/privacy/holds")],
            },
            Place {
                label: "Settings",
                href: "/settings",
                icon: "settings",
                tabs: &[
                    ("Organization", "/settings"),
                    ("Region", "/settings/region"),
                    ("Sessions and addresses", "/settings/access"),
                    ("Sign-in", "/settings/sign-in"),
                    ("Guardrails", "/guardrails"),
                    ("Support access", "/support"),
                    ("Retention", "/settings/retention"),
                ],
            },
        ],
    ),
];

/// The navigation of a caller on a page, and its tabs.
pub(super) fn of(permits: &Permits, caller: &Caller, path: &str) -> (Vec<Section>, Vec<Link>) {
    let may = |href: &str| permits.admits(&Method::GET, href, caller);
    let mut tabs = Vec::new();
    let sections = MAP.iter().map(|(label, places)| {
        let links = places.iter().filter(|place| may(place.href)).map(|place| {
            let beside = place.tabs.iter().filter(|(_, href)| may(href));
            let here = deepest(beside.clone().map(|(_, href)| *href), path);
            let current = here.is_some() || is_under(place.href, path);
            if current {
                let link = |(label, href): &(&'static str, &'static str)| Link {
                    label,
                    href,
                    icon: "",
                    current: here == Some(href),
                };
                tabs = beside.map(link).collect();
            }
            Link { label: place.label, href: place.href, icon: place.icon, current }
        });
        Section { label, links: links.collect() }
    });
    let sections = sections.filter(|section: &Section| !section.links.is_empty()).collect();
    (sections, tabs)
}

/// The longest of these that the path lies under.
fn deepest<'a>(all: impl Iterator<Item = &'a str>, path: &str) -> Option<&'a str> {
    all.filter(|href| is_under(href, path)).max_by_key(|href| href.len())
}

fn is_under(href: &str, path: &str) -> bool {
    path.strip_prefix(href)
        .is_some_and(|rest| rest.is_empty() || (href != "/" && rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lies_under_the_deepest_place_that_leads_to_it() {
        assert!(is_under("/", "/") && !is_under("/", "/members"));
        assert!(is_under("/members", "/members/mem_1") && !is_under("/members", "/membership"));
        let settings = ["/settings", "/settings/access"];
        assert_eq!(deepest(settings.into_iter(), "/settings/access"), Some("/settings/access"));
        assert_eq!(deepest(settings.into_iter(), "/settings"), Some("/settings"));
        assert_eq!(deepest(settings.into_iter(), "/"), None);
    }
}
