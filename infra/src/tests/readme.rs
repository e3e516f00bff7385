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

/// Figures of an idle month that follow from prices and the template alone.
#[test]
fn what_an_idle_month_costs_follows_from_the_prices() {
    let prices: toml::Table = include_str!("../../prices.toml").parse().unwrap();
    let price = |service: &str, name: &str| prices[service][name].as_float().unwrap();
    let queues = Function::all().filter(|function| function.queue().is_some()).count();
    // Five pollers, a request each every 20 seconds; a month of 30.4 days.
    let requests = f64::from(u32::try_from(queues).unwrap()) * 5.0 * 3.0 * 60.0 * 729.6;
    let polling = requests / 1e6 * price("sqs", "requests_million");
    let dead = Function::all().filter(|function| function.dead_letters().is_some()).count();
    for said in [
        format!("polling alone would be {polling:.2} a month ({queues} queues"),
        format!("{dead} queues of dead letters"),
        format!("| each tenant's secret | {:.2} |", price("secrets_manager", "secret_month")),
        format!("Each secret costs {:.2} USD", price("secrets_manager", "secret_month")),
        format!("a KMS key of the account for table and queues: {} USD", price("kms", "key_month")),
    ] {
        assert!(README.contains(&said), "the README does not say: {said}");
    }
}
