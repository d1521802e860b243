//! `rempart schema`, as an editor's user calls it.

use serde_json::Value;

use crate::support::rempart;

#[test]
fn the_schemas_are_printed_as_json() {
    for (arguments, file) in [
        (&["schema"][..], "tenants.d/NAME.toml"),
        (&["schema", "tenant"], "tenants.d/NAME.toml"),
        (&["schema", "vendor"], "rempart.toml"),
    ] {
        let output = rempart().args(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(schema["title"].as_str().unwrap().contains(file), "{}", schema["title"]);
        assert_eq!(schema["additionalProperties"], false);
    }
}

#[test]
fn the_reference_is_printed_as_it_is_in_the_docs() {
    let output = rempart().args(["schema", "reference"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, include_str!("../../docs/configuration.md"));
}

#[test]
fn a_file_that_there_is_not_has_no_schema() {
    let output = rempart().args(["schema", "cookies"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}
