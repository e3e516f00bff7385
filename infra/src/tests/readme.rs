//! What the README says to type can be typed.

use catalogue::Function;

use super::property;
use crate::{logical, node::Node, page, template};

const README: &str = include_str!("../../README.md");

/// The shell commands of the README that begin like this, each with its continued lines.
fn commands(beginning: &str) -> Vec<String> {
    let whole = README.replace("\\\n", " ");
    let found = whole.lines().map(str::trim).filter(|line| line.starts_with(beginning));
    found.map(str::to_owned).collect()
}

/// CloudFormation takes 51,200 bytes with the request, 1 MB and 500 resources out of a bucket
/// ("CloudFormation quotas"): `aws cloudformation deploy` refuses a longer one without a bucket.
#[test]
fn the_template_goes_through_a_bucket_as_long_as_it_must() {
    let bytes = page().len();
    assert!(bytes < 1_048_576, "{bytes} bytes");
    let Some(Node::Map(resources)) = template().get("Resources").cloned() else { panic!() };
    assert!(resources.len() < 500, "{} resources", resources.len());
    assert!(bytes > 51_200, "it would go without a bucket now: say so in the README");
    let deploy = commands("aws cloudformation deploy");
    assert!(!deploy.is_empty(), "the README says how to deploy");
    for command in deploy {
        assert!(command.contains(" --s3-bucket "), "{command}");
    }
}

/// `aws cloudformation package` uploads what each function names; of the globals it knows nothing and
/// would upload the template's folder.
#[test]
fn every_function_names_the_artifact_that_the_readme_makes() {
    let template = template();
    for function in Function::all() {
        let code = property(&template, &format!("{}Function", logical(function)), "CodeUri");
        assert_eq!(code, Node::from("crosswave.zip"), "{}", function.handler());
    }
    let zip = commands("zip ");
    assert_eq!(zip, ["zip infra/crosswave.zip bootstrap"]);
}
