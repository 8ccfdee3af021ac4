//! What stands around every page: navigation, who is signed in, what was just done.

use askama::Template;
use axum::http::HeaderMap;

use crate::page::{APP_CSS, APP_JS, Asset, HTMX_JS, ICON_SVG, filters, said};
use crate::time::At;

/// Light or dark, as the reader chose; without a choice, as their system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
}

impl Theme {
    /// What the cookie says that the page's script keeps the choice in.
    pub fn chosen(headers: &HeaderMap) -> Option<Self> {
        match said::cookie(headers, "portico_theme")? {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// One way to go.
#[derive(Debug, Clone)]
pub struct Link {
    /// What it is called.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// The name of its icon in `ui.html`; none in tabs.
    pub icon: &'static str,
    /// Whether the page is there.
    pub current: bool,
}

/// Ways to go that belong together.
#[derive(Debug, Clone)]
pub struct Section {
    /// What they are called together; empty for the first.
    pub label: &'static str,
    /// The ways.
    pub links: Vec<Link>,
}

/// Stands above every page of a visit of the operator's support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// Who visits.
    pub who: String,
    /// Why.
    pub why: String,
    /// Until when.
    pub until: At,
}

/// A page of somebody who is signed in.
#[derive(Debug, Template)]
#[template(path = "shell.html")]
pub struct Shell<'a> {
    /// The page's title.
    pub title: &'a str,
    /// The org.
    pub org: &'a str,
    /// Its region.
    pub region: &'a str,
    /// The member.
    pub person: &'a str,
    /// Where they may go.
    pub sections: &'a [Section],
    /// The pages beside this one, as tabs; fewer than two are not shown.
    pub tabs: &'a [Link],
    /// Whose visit it is, if it is one.
    pub banner: Option<&'a Banner>,
    /// What was just done.
    pub said: Option<&'a str>,
    /// The reader's choice.
    pub theme: Option<Theme>,
    /// Scripts of this page.
    pub scripts: &'a [&'static Asset],
    /// The content, as HTML.
    pub body: &'a str,
}

/// A page of nobody yet: signing in, joining; or one that says what went wrong.
#[derive(Debug, Template)]
#[template(path = "bare.html")]
pub struct Bare<'a> {
    /// The page's title.
    pub title: &'a str,
    /// What was just done.
    pub said: Option<&'a str>,
    /// The reader's choice.
    pub theme: Option<Theme>,
    /// Scripts of this page.
    pub scripts: &'a [&'static Asset],
    /// The content, as HTML.
    pub body: &'a str,
}
