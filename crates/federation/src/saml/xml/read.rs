//! Reads a document into a tree, and refuses everything that SAML has no use for.

use std::collections::HashSet;
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesStart, Event};

use super::characters::{attribute_value, check, is_name, referred, unify_lines};
use super::tree::{Attribute, Element, Node};
use crate::saml::refusal::Xml;
use crate::saml::uris::{XML, XMLNS};

/// How deep elements may be nested. A response has about ten levels, metadata twelve.
const DEPTH_MAX: usize = 48;
/// The most attributes and namespace declarations of one element.
const ATTRIBUTES_MAX: usize = 64;
/// The most namespace declarations in scope at once.
const NAMESPACES_MAX: usize = 96;
/// The longest name of an element or attribute, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// How much of a document is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most elements and pieces of text.
    pub(crate) nodes_max: usize,
}

/// Namespaces in scope, innermost last: prefix and name.
pub(crate) type Scope = Vec<(Rc<str>, Rc<str>)>;

/// Reads a whole document.
pub(crate) fn read(bytes: &[u8], limits: Limits) -> Result<Element, Xml> {
    read_within(bytes, limits, Scope::new())
}

/// Reads what stood encrypted inside another document, with the namespaces in scope there.
pub(crate) fn read_within(bytes: &[u8], limits: Limits, scope: Scope) -> Result<Element, Xml> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Xml::Encoding)?;
    check(text)?;
    let text = unify_lines(text);
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_comments = true;

    let mut builder = Builder { limits, scope, ..Builder::default() };
    let mut first = true;
    loop {
        let event = reader.read_event().map_err(|_| Xml::Malformed)?;
        match event {
            Event::Start(start) => builder.open(&start)?,
            Event::Empty(start) => {
                builder.open(&start)?;
                builder.close()?;
            }
            Event::End(_) => builder.close()?,
            Event::Text(text) => {
                let text = std::str::from_utf8(&text).map_err(|_| Xml::Encoding)?;
                if text.contains("]]>") {
                    return Err(Xml::Malformed);
                }
                builder.text(text)?;
            }
            Event::GeneralRef(reference) => {
                let name = std::str::from_utf8(&reference).map_err(|_| Xml::Encoding)?;
                let character = referred(name)?;
                if builder.open.is_empty() {
                    return Err(Xml::Malformed);
                }
                builder.text(character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Comment(_) => builder.comment(),
            Event::Decl(declaration) if first => declared(&declaration)?,
            Event::Decl(_) => return Err(Xml::Malformed),
            Event::CData(_) => return Err(Xml::Cdata),
            Event::PI(_) => return Err(Xml::Instruction),
            Event::DocType(_) => return Err(Xml::Doctype),
            Event::Eof => return builder.finish(),
        }
        first = false;
    }
}

/// Only UTF-8 is read, whatever else a document says of itself.
fn declared(declaration: &BytesDecl<'_>) -> Result<(), Xml> {
    let version = declaration.version().map_err(|_| Xml::Malformed)?;
    if &*version != b"1.0" {
        return Err(Xml::Malformed);
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case(b"utf-8") => Ok(()),
        Some(Ok(_)) => Err(Xml::Encoding),
        Some(Err(_)) => Err(Xml::Malformed),
    }
}

struct Builder {
    limits: Limits,
    scope: Scope,
    /// The open elements, and how many namespaces were in scope before each.
    open: Vec<(Element, usize)>,
    root: Option<Element>,
    ids: HashSet<String>,
    nodes: usize,
    /// Names that were seen, so that each is kept once.
    names: HashSet<Rc<str>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            limits: Limits { nodes_max: 0 },
            scope: Scope::new(),
            open: Vec::new(),
            root: None,
            ids: HashSet::new(),
            nodes: 0,
            names: HashSet::new(),
        }
    }
}

impl Builder {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Xml> {
        if self.root.is_some() {
            return Err(Xml::Malformed);
        }
        self.count()?;
        if self.open.len() >= DEPTH_MAX {
            return Err(Xml::Depth);
        }
        let before = self.scope.len();
        let mut raw = Vec::new();
        let mut declared = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Xml::Malformed)?;
            if raw.len() + declared.len() >= ATTRIBUTES_MAX {
                return Err(Xml::Attributes);
            }
            let key = std::str::from_utf8(attribute.key.into_inner()).map_err(|_| Xml::Encoding)?;
            let value = std::str::from_utf8(&attribute.value).map_err(|_| Xml::Encoding)?;
            let value = attribute_value(value)?;
            let (prefix, local) = split(key)?;
            if prefix == "xmlns" || (prefix.is_empty() && local == "xmlns") {
                let named = if prefix.is_empty() { "" } else { local };
                declared.push(self.declare(named, &value)?);
            } else {
                raw.push((prefix.to_owned(), local.to_owned(), value));
            }
        }
        if self.scope.len() > NAMESPACES_MAX {
            return Err(Xml::Attributes);
        }
        let name = start.name();
        let name = std::str::from_utf8(name.into_inner()).map_err(|_| Xml::Encoding)?;
        let (prefix, local) = split(name)?;
        if prefix == "xmlns" {
            return Err(Xml::Malformed);
        }
        let element = Element {
            namespace: self.resolve(prefix)?,
            prefix: self.keep(prefix),
            local: local.into(),
            attributes: self.attributes(raw)?,
            declared,
            children: Vec::new(),
            commented: false,
        };
        self.open.push((element, before));
        Ok(())
    }

    fn declare(&mut self, prefix: &str, namespace: &str) -> Result<(Rc<str>, Rc<str>), Xml> {
        let reserved = prefix == "xmlns" || namespace == XMLNS;
        let xml = (prefix == "xml") != (namespace == XML);
        if reserved || xml || (!prefix.is_empty() && namespace.is_empty()) {
            return Err(Xml::Malformed);
        }
        let declared = (self.keep(prefix), self.keep(namespace));
        self.scope.push(declared.clone());
        Ok(declared)
    }

    fn attributes(&mut self, raw: Vec<(String, String, String)>) -> Result<Vec<Attribute>, Xml> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(raw.len());
        for (prefix, local, value) in raw {
            // An attribute without a prefix is in no namespace, whatever the default is.
            let namespace = if prefix.is_empty() { self.keep("") } else { self.resolve(&prefix)? };
            let twice = attributes
                .iter()
                .any(|other| *other.local == *local && other.namespace == namespace);
            if twice {
                return Err(Xml::Malformed);
            }
            let names = namespace.is_empty() || &*namespace == XML;
            if names && local.eq_ignore_ascii_case("id") && !self.ids.insert(value.clone()) {
                return Err(Xml::DuplicateId);
            }
            let prefix = self.keep(&prefix);
            attributes.push(Attribute { prefix, local: local.into(), namespace, value });
        }
        Ok(attributes)
    }

    /// The namespace of a prefix. Without a default namespace, no prefix is no namespace.
    fn resolve(&mut self, prefix: &str) -> Result<Rc<str>, Xml> {
        if prefix == "xml" {
            return Ok(self.keep(XML));
        }
        match self.scope.iter().rev().find(|(declared, _)| &**declared == prefix) {
            Some((_, namespace)) => Ok(Rc::clone(namespace)),
            None if prefix.is_empty() => Ok(self.keep("")),
            None => Err(Xml::Malformed),
        }
    }

    fn keep(&mut self, name: &str) -> Rc<str> {
        if let Some(kept) = self.names.get(name) {
            return Rc::clone(kept);
        }
        let kept: Rc<str> = name.into();
        self.names.insert(Rc::clone(&kept));
        kept
    }

    /// The reader has seen to it that the end has the name of the beginning.
    fn close(&mut self) -> Result<(), Xml> {
        let (element, before) = self.open.pop().ok_or(Xml::Malformed)?;
        self.scope.truncate(before);
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Xml> {
        let Some((element, _)) = self.open.last_mut() else {
            // Around the root there is white space alone.
            let blank = text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
            return if blank { Ok(()) } else { Err(Xml::Malformed) };
        };
        if let Some(Node::Text(before)) = element.children.last_mut() {
            before.push_str(text);
            return Ok(());
        }
        element.children.push(Node::Text(text.to_owned()));
        self.count()
    }

    fn comment(&mut self) {
        if let Some((element, _)) = self.open.last_mut() {
            element.commented = true;
        }
    }

    fn count(&mut self) -> Result<(), Xml> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes_max { Err(Xml::Nodes) } else { Ok(()) }
    }

    fn finish(self) -> Result<Element, Xml> {
        if !self.open.is_empty() {
            return Err(Xml::Malformed);
        }
        self.root.ok_or(Xml::Malformed)
    }
}

/// Prefix and local part of a name.
fn split(name: &str) -> Result<(&str, &str), Xml> {
    if name.len() > NAME_BYTES_MAX {
        return Err(Xml::Malformed);
    }
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let prefixed = prefix.is_empty() != name.contains(':');
    if !is_name(local) || !prefixed || (!prefix.is_empty() && !is_name(prefix)) {
        return Err(Xml::Malformed);
    }
    Ok((prefix, local))
}
