//! Matchers of routes: hosts and paths.

use crate::account::Item;
use crate::tree::Node;

/// What a route asks for.
#[derive(Debug, Default)]
pub(super) struct Matched<'a> {
    pub(super) hosts: Vec<(&'a str, Item)>,
    /// `None` is every path.
    pub(super) routes: Option<Vec<String>>,
    /// The values that name paths.
    pub(super) items: Vec<Item>,
}

/// Reads the sets of matchers of a route, any of which is enough; or says what of them is neither a host nor a path.
pub(super) fn read(sets: Option<&Node>) -> Result<Matched<'_>, String> {
    let mut matched = Matched::default();
    let sets = sets.map(Node::items).unwrap_or_default();
    let has = |key: &str| sets.iter().filter(|set| set.at(key).is_some()).count();
    // Several sets are one only when they are of one kind: hosts, or paths, or a single one with both.
    if sets.len() > 1 && has("host") + has("path") != sets.len() {
        return Err("its matchers are of unlike kinds".into());
    }
    if sets.len() > 1 && has("host") > 0 && has("path") > 0 {
        return Err("its matchers are of unlike kinds".into());
    }
    for (key, node) in sets.iter().flat_map(Node::entries) {
        match key.as_str() {
            "host" => matched
                .hosts
                .extend(node.items().iter().filter_map(|host| Some((host.text()?, host.item)))),
            "path" => paths(node, &mut matched)?,
            _ => return Err(format!("it asks for `{key}`, which is neither a host nor a path")),
        }
    }
    Ok(matched)
}

/// Whether the matchers ask who somebody is: then what they guard must not be opened by accident.
pub(super) fn asks_who(sets: Option<&Node>) -> bool {
    let is_who = |(key, node): &(String, Node)| match key.as_str() {
        "remote_ip" | "client_ip" | "header" | "expression" | "tls" => true,
        "not" => asks_who(Some(node)),
        _ => false,
    };
    let sets = sets.map(Node::items).unwrap_or_default();
    sets.iter().flat_map(Node::entries).any(is_who)
}

fn paths<'a>(node: &'a Node, matched: &mut Matched<'a>) -> Result<(), String> {
    for path in node.items() {
        let text = path.text().unwrap_or_default();
        matched.items.push(path.item);
        if matches!(text, "*" | "/*") {
            // Every path, and whatever else is named is one of them.
            matched.routes = None;
            return Ok(());
        }
        let route = route(text)?;
        let routes = matched.routes.get_or_insert_default();
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    Ok(())
}

/// A path as a route names it: `/api/*` and `/api*` are the path and all below it.
fn route(path: &str) -> Result<String, String> {
    let (plain, open) = match path.strip_suffix('*') {
        Some(plain) => (plain.trim_end_matches('/'), "/*"),
        None => (path, ""),
    };
    if !path.starts_with('/') || plain.contains(['*', '{', '}', '?', '#', ' ', '%']) {
        return Err(format!("`{path}` is no path that a route can name"));
    }
    Ok(format!("{plain}{open}"))
}
