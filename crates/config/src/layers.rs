//! The layers of one tenant (or of the vendor), weakest first, merged by figment; and which of them a key came from.

use std::sync::Arc;

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};
use rempart_guard::Problem;

use crate::diagnostic::{Diagnostic, Place};
use crate::document::{Document, Node, Part};

/// A table of a document, laid over the layers below it.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    document: Arc<Document>,
    table: Vec<String>,
    /// A table within that is not of this layer.
    without: Option<&'static str>,
}

impl Layer {
    /// The whole document.
    pub(crate) fn whole(document: &Arc<Document>) -> Self {
        Self::table(document, [])
    }

    /// One table of the document.
    pub(crate) fn table<const N: usize>(document: &Arc<Document>, table: [&str; N]) -> Self {
        Self {
            document: Arc::clone(document),
            table: table.map(str::to_owned).to_vec(),
            without: None,
        }
    }

    /// The whole document but for one table.
    pub(crate) fn without(document: &Arc<Document>, table: &'static str) -> Self {
        Self {
            without: Some(table),
            ..Self::whole(document)
        }
    }

    /// How many parts of the key this layer has, and the last node on the way; `None` when not even the table is there.
    fn find(&self, key: &[String]) -> Option<(usize, &Node)> {
        let (depth, node) = self.document.find(self.table.iter().chain(key));
        Some((depth.checked_sub(self.table.len())?, node))
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.document.name().to_owned())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut values = self.document.values(&self.table);
        if let Some(table) = self.without {
            values.remove(table);
        }
        Ok(Profile::Default.collect(values))
    }
}

/// All layers of one tenant, weakest first, and which of them is the tenant's own.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
    own: usize,
}

impl Layers {
    /// Layers of which `layers[own]` is the file that a person would write a missing key into.
    pub(crate) const fn new(layers: Vec<Layer>, own: usize) -> Self {
        Self { layers, own }
    }

    /// What the layers give together, over what is built in.
    pub(crate) fn merged(&self, built_in: Dict) -> Value {
        let mut figment = Figment::from(BuiltIn(built_in));
        for layer in &self.layers {
            figment = figment.merge(layer);
        }
        // Not `extract`: that gives a meaning to keys which figment thinks are its own.
        let values = figment
            .data()
            .ok()
            .and_then(|mut profiles| profiles.remove(&Profile::Default));
        Value::Dict(Tag::Default, values.unwrap_or_default())
    }

    /// A problem, shown where its key was set; one whose key was not set, in the section where it would be.
    pub(crate) fn diagnostic(&self, problem: Problem, part: Part) -> Diagnostic {
        let (layer, _, node) = self.setter(&problem.key);
        self.shown(layer, node, problem, part)
    }

    /// A problem of a key that only the own file can have and has not.
    pub(crate) fn missing(&self, problem: Problem) -> Diagnostic {
        let own = &self.layers[self.own];
        let node = own.find(&problem.key).map(|(_, node)| node);
        match node {
            Some(node) => self.shown(own, node, problem, Part::Value),
            None => Diagnostic::new(Place::of_file(own.document.name()), None, problem),
        }
    }

    /// Where a key was set.
    pub(crate) fn place(&self, key: &[String]) -> Place {
        let (layer, depth, node) = self.setter(key);
        match depth {
            0 => Place::of_file(layer.document.name()),
            _ => layer.document.place_at(node),
        }
    }

    /// The layer that set the most of the key; of several, the strongest, whose value is the one that counts.
    fn setter(&self, key: &[String]) -> (&Layer, usize, &Node) {
        let own = &self.layers[self.own];
        let found = self.layers.iter().filter_map(|layer| {
            let (depth, node) = layer.find(key)?;
            (depth > 0).then_some((layer, depth, node))
        });
        let best = found.max_by_key(|(_, depth, _)| *depth);
        best.unwrap_or_else(|| (own, 0, own.document.find([]).1))
    }

    fn shown(&self, layer: &Layer, node: &Node, mut problem: Problem, part: Part) -> Diagnostic {
        problem.key.splice(0..0, layer.table.iter().cloned());
        layer.document.diagnostic_at(node, part, problem)
    }
}

/// What holds when no layer says otherwise.
struct BuiltIn(Dict);

impl Provider for BuiltIn {
    fn metadata(&self) -> Metadata {
        Metadata::named("built-in")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}
