"""Expands the template with the SAM translator, as CloudFormation does, and looks at the outcome.

Needs no account: the translator asks IAM only for managed policies, and the template has none.
"""

import json
import pathlib
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# CloudFormation's own limits.
MOST_RESOURCES = 500
MOST_BYTES = 1_048_576


class NoManagedPolicies:
    """Stands where the translator would look managed policies up."""

    def load(self):
        return {}


def main() -> None:
    path = pathlib.Path(__file__).with_name("template.yaml")
    template = yaml_parse(path.read_text())
    # What `aws cloudformation package` does.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Properties"]["CodeUri"] == "crosswave.zip"
            resource["Properties"]["CodeUri"] = "s3://artifacts/crosswave.zip"
    expanded = transform(template, {}, NoManagedPolicies())
    resources = expanded["Resources"]
    size = len(json.dumps(expanded))
    faults = []
    if len(resources) > MOST_RESOURCES:
        faults.append(f"{len(resources)} resources; CloudFormation takes {MOST_RESOURCES}")
    if size > MOST_BYTES:
        faults.append(f"{size} bytes; CloudFormation takes {MOST_BYTES}")
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            if resource.get("Properties", {}).get("ManagedPolicyArns"):
                faults.append(f"{name} has managed policies")
        if resource["Type"] == "AWS::Serverless::Function":
            faults.append(f"{name} was not expanded")
    said = f"({len(resources)} resources, of {MOST_RESOURCES} "
    if said not in path.with_name("README.md").read_text():
        faults.append(f"the README does not say: {said}")
    for fault in faults:
        print(f"infra/template.yaml: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"{len(resources)} resources, {size} bytes expanded")


if __name__ == "__main__":
    main()
