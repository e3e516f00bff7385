//! The reference of everything that a script can use, made from the tables that the host uses.

use serde::Serialize;

use crate::attributes::{AttributeSpec, Kind, Writer, schema};
use crate::code::Code;
use crate::entry::Entry;
use crate::functions;
use crate::handles::{CONTEXT_FIELDS, EVENT_FIELDS};
use crate::results::NOTICE_FIELDS;

/// One generated file under `scripts/definitions/`.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// Every generated file.
pub fn generated() -> Vec<Generated> {
    let file = |name, text| Generated { name, text };
    vec![
        file("attributes.md", attributes()),
        file("functions.md", functions::reference_markdown()),
        file("crosswave.d.rhai", functions::definitions()),
        file("attributes.json", attribute_names()),
    ]
}

/// The whole reference as one Markdown page.
pub fn page() -> String {
    format!("{}\n{}", attributes(), functions::reference_markdown())
}

fn attributes() -> String {
    let mut page = String::from(
        "# Entry functions, handles and attributes\n\n\
         This page is made from the tables of the script host. Do not edit it.\n\n\
         ## Entry functions\n\n",
    );
    for entry in Entry::ALL {
        put!(&mut page, "- `fn {}`: {}\n", entry.signature(), entry.sentence());
    }
    fields(&mut page, "ctx", CONTEXT_FIELDS);
    page.push_str(
        "\nIts functions: `ctx.table(name)`, `ctx.target_domain(domain)`, \
         `ctx.is_source_domain(domain)`, `ctx.mapped_user(source_id)`.\n",
    );
    fields(&mut page, "event", EVENT_FIELDS);
    page.push_str("\n## A message of `notify`\n\n");
    for (name, what) in NOTICE_FIELDS {
        put!(&mut page, "- `{name}`: {what}\n");
    }
    page.push_str(
        "\n## Attributes\n\n\
         `source` reads every one and gives `()` for an empty one. Assigning `()`, an empty text or \
         an empty list to an attribute of `target` leaves it as it is; `clear(target, \"name\")` \
         empties it; `target.copy(source, [\"jobTitle\", …])` takes attributes over \
         as they are. A unique attribute also takes a list of candidates.\n\n\
         | name | what | type | longest | written by | Graph | Exchange | LDAP | notes |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for spec in schema() {
        put!(
            &mut page,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            spec.name,
            spec.meaning,
            spec.kind.title(),
            spec.max_length.map_or_else(String::new, |most| most.to_string()),
            written_by(spec),
            spec.graph.unwrap_or("-"),
            spec.exchange.unwrap_or("-"),
            spec.ldap.unwrap_or("-"),
            notes(spec)
        );
    }
    page.push_str("\n## Codes\n\n");
    for code in Code::ALL {
        put!(&mut page, "- [{code}](../errors/{code}.md): {}\n", code.title());
    }
    page
}

fn fields(page: &mut String, handle: &str, fields: &[(&str, &str)]) {
    put!(page, "\n## `{handle}`\n\n");
    for (name, what) in fields {
        put!(page, "- `{handle}.{name}`: {what}\n");
    }
}

const fn written_by(spec: &AttributeSpec) -> &'static str {
    match spec.writer {
        Writer::Graph => "Graph",
        Writer::Exchange => "Exchange",
        Writer::Protected => "Crosswave only",
        Writer::ReadOnly => "nobody",
    }
}

fn notes(spec: &AttributeSpec) -> String {
    let mut notes = Vec::new();
    if spec.required {
        notes.push("Required.");
    }
    if spec.unique {
        notes.push("Unique.");
    }
    if spec.contact {
        notes.push("Also of contacts.");
    }
    if !spec.note.is_empty() {
        notes.push(spec.note);
    }
    notes.join(" ")
}

/// One attribute, for an editor's completion.
#[derive(Serialize)]
struct Name {
    name: &'static str,
    meaning: &'static str,
    r#type: &'static str,
    writable: bool,
    list: bool,
}

fn attribute_names() -> String {
    let names: Vec<Name> = schema()
        .iter()
        .map(|spec| Name {
            name: spec.name,
            meaning: spec.meaning,
            r#type: spec.kind.title(),
            writable: spec.writable(),
            list: spec.kind == Kind::Texts,
        })
        .collect();
    // Texts and truth values always have a JSON form.
    serde_json::to_string_pretty(&names).unwrap_or_default() + "\n"
}
