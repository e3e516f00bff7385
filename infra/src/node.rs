//! A value of the template, and how it is written as YAML: keys in the order in which they were
//! given, CloudFormation's functions in their short form.

use std::fmt::Write as _;

/// A value of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Text.
    Text(String),
    /// A number.
    Number(u64),
    /// True or false.
    Bool(bool),
    /// A list.
    List(Vec<Node>),
    /// Named values, in order.
    Map(Vec<(String, Node)>),
    /// A function of CloudFormation, for instance `!Ref`, and its argument.
    Call(&'static str, Box<Node>),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Vec<Self>> for Node {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

/// Named values.
pub(crate) fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::Map(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A list.
pub(crate) fn list(items: impl IntoIterator<Item = impl Into<Node>>) -> Node {
    Node::List(items.into_iter().map(Into::into).collect())
}

/// `!Ref`.
pub(crate) fn reference(name: impl Into<String>) -> Node {
    Node::Call("!Ref", Box::new(Node::Text(name.into())))
}

/// `!GetAtt`.
pub(crate) fn attribute(resource: impl std::fmt::Display, name: &str) -> Node {
    Node::Call("!GetAtt", Box::new(Node::Text(format!("{resource}.{name}"))))
}

/// `!Sub`.
pub(crate) fn sub(text: impl Into<String>) -> Node {
    Node::Call("!Sub", Box::new(Node::Text(text.into())))
}

/// `!If`.
pub(crate) fn when(condition: &str, then: Node, otherwise: Node) -> Node {
    Node::Call("!If", Box::new(Node::List(vec![condition.into(), then, otherwise])))
}

/// The deployment's event bus.
pub(crate) fn physical_bus() -> Node {
    reference("Bus")
}

/// What makes CloudFormation leave a property out.
pub(crate) fn nothing() -> Node {
    reference("AWS::NoValue")
}

impl Node {
    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Adds a named value at the end of a map.
    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<Self>) {
        if let Self::Map(entries) = self {
            entries.push((name.into(), value.into()));
        }
    }

    /// The same with one more named value.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Self>) -> Self {
        self.push(name, value);
        self
    }

    /// The text of the value as YAML.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, Place::Line);
        text
    }

    fn write(&self, out: &mut String, indent: usize, place: Place) {
        match self {
            Self::Map(entries) if entries.is_empty() => finish(out, place, "{}"),
            Self::List(items) if items.is_empty() => finish(out, place, "[]"),
            Self::Map(entries) => {
                open(out, place);
                for (index, (name, value)) in entries.iter().enumerate() {
                    // The first entry of a list's item stands behind its dash.
                    if index > 0 || place != Place::Dash {
                        pad(out, indent);
                    }
                    out.push_str(&scalar(name));
                    out.push(':');
                    value.write(out, indent + 1, Place::Name);
                }
            }
            Self::List(items) => {
                open(out, place);
                for (index, item) in items.iter().enumerate() {
                    if index > 0 || place != Place::Dash {
                        pad(out, indent);
                    }
                    out.push_str("- ");
                    item.write(out, indent + 1, Place::Dash);
                }
            }
            Self::Call(name, argument) => match &**argument {
                nested @ (Self::List(_) | Self::Map(_)) => {
                    if place == Place::Name {
                        out.push(' ');
                    }
                    out.push_str(name);
                    nested.write(out, indent, Place::Name);
                }
                plain => finish(out, place, &format!("{name} {}", plain.inline())),
            },
            plain => finish(out, place, &plain.inline()),
        }
    }

    fn inline(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::List(_) | Self::Map(_) | Self::Call(..) => String::new(),
        }
    }
}

/// What stands before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing: the whole document.
    Line,
    /// `name:`
    Name,
    /// `- `
    Dash,
}

fn open(out: &mut String, place: Place) {
    if place == Place::Name {
        out.push('\n');
    }
}

fn finish(out: &mut String, place: Place, text: &str) {
    let gap = if place == Place::Name { " " } else { "" };
    let written = writeln!(out, "{gap}{text}");
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n("  ", indent));
}

/// Words that YAML 1.1 takes for something else than text.
const NOT_TEXT: [&str; 11] =
    ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", "none"];

/// Text as YAML: plain where it cannot be mistaken, otherwise in quotation marks.
fn scalar(text: &str) -> String {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let middle = text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./:*,+()".contains(c));
    let ends = !text.ends_with([' ', ':']) && !text.contains(": ");
    let word = NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if starts && middle && ends && !word {
        return text.to_owned();
    }
    // JSON's form of text is YAML's double-quoted form.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_like_a_template_written_by_hand() {
        let value = map([
            ("Type", "AWS::SQS::Queue".into()),
            (
                "Properties",
                map([
                    ("Name", sub("${AWS::StackName}-a")),
                    ("Delay", 5_u64.into()),
                    ("Tags", list([map([("Key", "a".into()), ("Value", "on".into())])])),
                    ("Key", when("Own", attribute("Key", "Arn"), nothing())),
                    ("Empty", list(Vec::<Node>::new())),
                    ("Version", "2012-10-17".into()),
                ]),
            ),
        ]);
        let expected = "\
Type: AWS::SQS::Queue
Properties:
  Name: !Sub \"${AWS::StackName}-a\"
  Delay: 5
  Tags:
    - Key: a
      Value: \"on\"
  Key: !If
    - Own
    - !GetAtt Key.Arn
    - !Ref AWS::NoValue
  Empty: []
  Version: \"2012-10-17\"
";
        assert_eq!(value.to_yaml(), expected);
    }

    #[test]
    fn text_that_yaml_would_take_for_something_else_is_quoted() {
        for text in ["", "no", "On", "12", "a: b", "x #y", "*", "- a", "a:", "1e3", "{a}", "\n"] {
            assert!(scalar(text).starts_with('"'), "{text:?} is written as {}", scalar(text));
        }
    }
}
