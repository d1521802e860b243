//! The layers of one tenant (or of the vendor), weakest first, merged by figment; and which of them a key came from.

use std::sync::Arc;

use figment::value::{Dict, Map, Tag, Value};
use figment::{Figment, Metadata, Profile, Provider};
use rempart_guard::Problem;

use crate::diagnostic::{Diagnostic, Key, Place};
use crate::document::{Document, Form, Node, Part};
use crate::presets;

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

    /// Layers, weakest first, with the level and the preset put just below the layer that names them. Of two layers that
    /// name one, the stronger is believed: a tenant that chooses has nothing of what `[defaults]` chose.
    pub(crate) fn over_presets(layers: Vec<Self>) -> Vec<Self> {
        let named = layers
            .iter()
            .map(|layer| presets::named_in(&layer.document, &layer.table));
        let named: Vec<_> = named.collect();
        let strongest = [0, 1].map(|kind| named.iter().rposition(|named| named[kind].is_some()));
        let mut all = Vec::with_capacity(layers.len() + 2);
        for (at, (layer, named)) in layers.into_iter().zip(named).enumerate() {
            let believed = named
                .into_iter()
                .zip(strongest)
                .filter(|(_, strongest)| *strongest == Some(at));
            all.extend(believed.filter_map(|(document, _)| Some(Self::whole(document?))));
            all.push(layer);
        }
        all
    }

    /// Whether it is this document, or a part of it.
    pub(crate) fn is_of(&self, document: &Arc<Document>) -> bool {
        Arc::ptr_eq(&self.document, document)
    }

    /// Whether it is a preset.
    pub(crate) fn is_shipped(&self) -> bool {
        self.document.name().starts_with(presets::SHIPPED)
    }

    /// Whether it comes from variables.
    pub(crate) fn is_environment(&self) -> bool {
        self.document.form() == Form::Variables
    }

    fn value(&self, key: &[String]) -> Option<Value> {
        let (last, above) = key.split_last()?;
        let table: Vec<String> = self.table.iter().chain(above).cloned().collect();
        self.document.values(&table).remove(last)
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

    /// Every layer that has the whole key, weakest first: whether it is the own one, where the key stands in it, and what it
    /// is set to.
    pub(crate) fn of_key(&self, key: &[String]) -> impl Iterator<Item = (&Layer, bool, Place, Value)> {
        self.layers.iter().enumerate().filter_map(|(index, layer)| {
            let (depth, node) = layer.find(key)?;
            let value = layer.value(key).filter(|_| depth == key.len())?;
            Some((layer, index == self.own, layer.document.place_at(node), value))
        })
    }

    /// What the layers give together, without what is built in.
    pub(crate) fn written(&self) -> Value {
        self.merged(Dict::new())
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
        let diagnostic = layer.document.diagnostic_at(node, part, problem);
        match layer.is_shipped() {
            true => self.named_by(layer, diagnostic),
            false => diagnostic,
        }
    }

    /// A problem of a value that comes with the program: who asked for it, and what goes over it.
    fn named_by(&self, shipped: &Layer, diagnostic: Diagnostic) -> Diagnostic {
        let mut above = self.layers.iter().skip_while(|layer| !layer.is_of(&shipped.document));
        let named = above.find(|layer| !layer.is_shipped()).and_then(|layer| {
            let kind = [presets::kind_of(shipped.document.name()).to_owned()];
            let (depth, node) = layer.find(&kind)?;
            (depth == 1).then(|| (layer, layer.document.place_at(node)))
        });
        let Some((layer, place)) = named else {
            return diagnostic;
        };
        let key = Key(layer.table.iter().chain(&diagnostic.key.0).cloned().collect());
        let goes_over = format!("write `{key}` into {} to go over it", layer.document.name());
        let help = match &diagnostic.help {
            Some(help) => format!("{help}; or {goes_over}"),
            None => goes_over,
        };
        diagnostic.related(place, "it is named here").help(help)
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
