//! The tree that a document is read into.

use std::rc::Rc;

use crate::saml::refusal::{Refusal, Xml};

/// One element with everything in it. Comments are not kept; that there was one is.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) prefix: Rc<str>,
    pub(crate) local: Box<str>,
    /// The namespace's name; empty for none.
    pub(crate) namespace: Rc<str>,
    pub(crate) attributes: Vec<Attribute>,
    /// The namespaces declared on this very element: prefix and name.
    pub(crate) declared: Vec<(Rc<str>, Rc<str>)>,
    pub(crate) children: Vec<Node>,
    /// A comment is among the children.
    pub(crate) commented: bool,
}

/// One attribute that is no namespace declaration.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) prefix: Rc<str>,
    pub(crate) local: Box<str>,
    pub(crate) namespace: Rc<str>,
    pub(crate) value: String,
}

/// What an element holds.
#[derive(Debug)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Whether it has this name.
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        &*self.local == local && &*self.namespace == namespace
    }

    /// The value of an attribute without namespace.
    pub(crate) fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.namespace.is_empty() && &*attribute.local == local)
            .map(|attribute| attribute.value.as_str())
    }

    /// The elements in it.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements in it of this name.
    pub(crate) fn all<'a>(
        &'a self,
        namespace: &'a str,
        local: &'a str,
    ) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// The one element of this name; none is fine, two are not.
    pub(crate) fn maybe(
        &self,
        namespace: &str,
        local: &'static str,
    ) -> Result<Option<&Self>, Refusal> {
        let mut found = self.elements().filter(|element| element.is(namespace, local));
        let first = found.next();
        if found.next().is_some() {
            return Err(Refusal::Repeated(local));
        }
        Ok(first)
    }

    /// The one element of this name.
    pub(crate) fn one(&self, namespace: &str, local: &'static str) -> Result<&Self, Refusal> {
        self.maybe(namespace, local)?.ok_or(Refusal::Missing(local))
    }

    /// The whole text of an element that holds text alone, without the space around it.
    ///
    /// A comment in it is refused, not skipped: whoever reads up to the comment and whoever
    /// reads past it must not see two different people.
    pub(crate) fn value(&self) -> Result<String, Refusal> {
        if self.commented {
            return Err(Xml::Comment.into());
        }
        let mut whole = String::new();
        for node in &self.children {
            match node {
                Node::Text(text) => whole.push_str(text),
                Node::Element(_) => return Err(Refusal::Invalid("a value")),
            }
        }
        Ok(whole.trim_matches([' ', '\t', '\n', '\r']).to_owned())
    }

    /// Visits it and every element under it.
    pub(crate) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        for element in self.elements() {
            element.visit(see);
        }
    }
}
