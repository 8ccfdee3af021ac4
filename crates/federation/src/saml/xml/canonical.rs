//! Exclusive XML Canonicalization 1.0, without comments
//! (<https://www.w3.org/TR/xml-exc-c14n/>).

use std::rc::Rc;

use super::tree::{Element, Node};
use super::write::{attribute, text};

/// The canonical form of an element that has these ancestors, outermost first.
///
/// `without` is left out: the signature that is about the element. `inclusive` are the prefixes
/// of an `InclusiveNamespaces` list; the default namespace is the empty prefix.
pub(crate) fn canonical(
    element: &Element,
    ancestors: &[&Element],
    without: Option<&Element>,
    inclusive: &[&str],
) -> String {
    let mut writer = Writer {
        out: String::with_capacity(4096),
        rendered: Vec::new(),
        inclusive,
        without: without.map(std::ptr::from_ref),
    };
    let mut inherited = Vec::new();
    for prefix in inclusive {
        let declared = ancestors.iter().rev().find_map(|ancestor| declaration(ancestor, prefix));
        if let Some((prefix, namespace)) = declared {
            inherited.push((Rc::clone(prefix), Rc::clone(namespace)));
        }
    }
    writer.element(element, &inherited);
    writer.out
}

fn declaration<'a>(element: &'a Element, prefix: &str) -> Option<&'a (Rc<str>, Rc<str>)> {
    element.declared.iter().find(|(declared, _)| &**declared == prefix)
}

struct Writer<'a> {
    out: String,
    /// The namespaces that the elements around the current one were written with.
    rendered: Vec<(Rc<str>, Rc<str>)>,
    inclusive: &'a [&'a str],
    without: Option<*const Element>,
}

impl Writer<'_> {
    fn element(&mut self, element: &Element, inherited: &[(Rc<str>, Rc<str>)]) {
        let outer = self.rendered.len();
        let mut namespaces: Vec<(Rc<str>, Rc<str>)> = Vec::new();
        self.need(&mut namespaces, &element.prefix, &element.namespace);
        for attribute in &element.attributes {
            if !attribute.prefix.is_empty() {
                self.need(&mut namespaces, &attribute.prefix, &attribute.namespace);
            }
        }
        // Prefixes of the list are written where they are in scope, used or not.
        for prefix in self.inclusive {
            let own = declaration(element, prefix);
            let found = own.or_else(|| inherited.iter().find(|(named, _)| &**named == *prefix));
            if let Some((prefix, namespace)) = found {
                self.need(&mut namespaces, prefix, namespace);
            }
        }
        namespaces.sort();

        self.out.push('<');
        self.name(&element.prefix, &element.local);
        for (prefix, namespace) in namespaces {
            self.out.push_str(" xmlns");
            if !prefix.is_empty() {
                self.out.push(':');
                self.out.push_str(&prefix);
            }
            self.out.push_str("=\"");
            attribute(&mut self.out, &namespace);
            self.out.push('"');
            self.rendered.push((prefix, namespace));
        }
        let mut attributes: Vec<_> = element.attributes.iter().collect();
        attributes.sort_by(|a, b| (&a.namespace, &a.local).cmp(&(&b.namespace, &b.local)));
        for written in attributes {
            self.out.push(' ');
            self.name(&written.prefix, &written.local);
            self.out.push_str("=\"");
            attribute(&mut self.out, &written.value);
            self.out.push('"');
        }
        self.out.push('>');
        for node in &element.children {
            match node {
                Node::Text(written) => text(&mut self.out, written),
                Node::Element(child) if self.without == Some(std::ptr::from_ref(child)) => {}
                Node::Element(child) => self.element(child, &[]),
            }
        }
        self.out.push_str("</");
        self.name(&element.prefix, &element.local);
        self.out.push('>');
        self.rendered.truncate(outer);
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(local);
    }

    /// Notes a namespace to be written, unless the elements around have written the same.
    fn need(
        &self,
        namespaces: &mut Vec<(Rc<str>, Rc<str>)>,
        prefix: &Rc<str>,
        namespace: &Rc<str>,
    ) {
        let before = self.rendered.iter().rev().find(|(rendered, _)| rendered == prefix);
        let same = match before {
            Some((_, rendered)) => rendered == namespace,
            // Nothing written: the default namespace is none.
            None => prefix.is_empty() && namespace.is_empty(),
        };
        let same = same || &**prefix == "xml";
        if !same && !namespaces.iter().any(|(noted, _)| noted == prefix) {
            namespaces.push((Rc::clone(prefix), Rc::clone(namespace)));
        }
    }
}
