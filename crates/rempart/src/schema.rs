//! `rempart schema`.

use std::process::ExitCode;

use rempart_config::{reference, schema};
use serde_json::Value;

use crate::cli::{Schema, Subject};

/// Prints what the configuration files may hold, for an editor or for a person.
#[expect(clippy::print_stdout, reason = "the answer to a question on the command line")]
pub(crate) fn schema(arguments: &Schema) -> ExitCode {
    match arguments.subject {
        Subject::Tenant => println!("{}", pretty(&schema::tenant())),
        Subject::Vendor => println!("{}", pretty(&schema::vendor())),
        Subject::Reference => print!("{}", reference::markdown()),
    }
    ExitCode::SUCCESS
}

fn pretty(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).expect("a schema is JSON already")
}
