//! The reference against the types that it is made of.

use std::collections::BTreeSet;
use std::fs;

use super::schema::{accepts, validator};
use crate::reference::markdown;

#[test]
fn the_reference_in_the_docs_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = markdown();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, &page).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/configuration.md is not what the settings say: run this test again with UPDATE_EXPECT=1"
    );
}

#[test]
fn every_link_of_the_contents_leads_to_one_heading() {
    let page = markdown();
    let anchors: Vec<_> = headings(&page).map(super::super::reference::anchor_of).collect();
    let distinct: BTreeSet<_> = anchors.iter().collect();
    assert_eq!(
        distinct.len(),
        anchors.len(),
        "two headings have one anchor: {anchors:?}"
    );
    let links: Vec<_> = page
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        assert!(anchors.iter().any(|anchor| anchor == link), "#{link} leads nowhere");
    }
}

#[test]
fn every_section_has_an_example_that_the_schema_accepts() {
    let page = markdown();
    let (_, chapters) = page.split_once("\n## The vendor's file\n").unwrap();
    let (vendor, tenant) = chapters.split_once("\n## A tenant's file\n").unwrap();
    for (file, chapter) in [("rempart.toml", vendor), ("tenants.d/library.toml", tenant)] {
        let sections: Vec<_> = chapter.split("\n### ").skip(1).collect();
        assert!(sections.len() >= 5, "{file}");
        for section in sections {
            let title = section.lines().next().unwrap();
            let examples: Vec<_> = blocks(section).collect();
            assert!(
                !examples.is_empty() || title.starts_with("At the top"),
                "{title} has no example"
            );
            examples.iter().for_each(|example| accepts(&validator(file), example));
        }
    }
}

#[test]
fn the_files_of_the_introduction_are_right() {
    let page = markdown();
    let (introduction, _) = page.split_once("\n## The vendor's file\n").unwrap();
    let files = blocks(introduction).filter_map(|block| block.strip_prefix("# ")?.split_once('\n'));
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 2);
    let mut site = super::site::Site::new();
    for (name, text) in files {
        accepts(&validator(name), text);
        site = site.file(name, text);
    }
    assert_eq!(site.says(), "");
}

fn headings(page: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    page.lines().filter_map(move |line| {
        fenced ^= line.starts_with("```");
        let title = line.trim_start_matches('#');
        (!fenced && title.len() < line.len()).then(|| title.trim_start())
    })
}

fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
}
