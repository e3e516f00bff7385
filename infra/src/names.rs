//! The names of the template's resources.

use catalogue::Function;

use crate::node::{Node, map, sub};

/// `cutover.hide_contact` as `CutoverHideContact`: the stem of a function's logical ids.
pub fn logical(function: Function) -> String {
    let mut name = String::new();
    for word in function.handler().split(['.', '_']) {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name
}

/// The logical id of a function's queue.
pub(crate) fn queue(function: Function) -> String {
    format!("{}Queue", logical(function))
}

/// The logical id of a function's queue of dead letters.
pub(crate) fn dead_letters(function: Function) -> String {
    format!("{}DeadLetters", logical(function))
}

/// The logical id of what delivers a function's messages.
pub(crate) fn mapping(function: Function) -> String {
    format!("{}Mapping", logical(function))
}

/// A name in the account: the stack's name and this.
pub(crate) fn physical(name: &str) -> Node {
    sub(format!("${{AWS::StackName}}-{name}"))
}

/// Which function or part costs what: tags to be activated for cost allocation.
pub(crate) fn tags(part: &str) -> Node {
    let tag = |key: &str, value: Node| map([("Key", key.into()), ("Value", value)]);
    Node::List(vec![
        tag("crosswave:stack", crate::node::reference("AWS::StackName")),
        tag("crosswave:part", part.into()),
    ])
}

/// The same for resources whose tags are a map.
pub(crate) fn tag_map(part: &str) -> Node {
    map([
        ("crosswave:stack", crate::node::reference("AWS::StackName")),
        ("crosswave:part", part.into()),
    ])
}

/// The part that a function belongs to: its phase, or `control`.
pub(crate) fn part(function: Function) -> &'static str {
    function.handler().split('.').next().unwrap_or("control")
}
