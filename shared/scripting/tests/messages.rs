//! Messages of notification scripts: templates, values, dates, attachments, links.

use std::sync::Arc;

use scripting::{
    Code, Event, EventKind, Library, LibraryFile, Notice, Notifications, Script, ScriptError,
    ScriptOptions, policy::PolicyContext, policy::check_notices, sample_run, sample_user,
};

fn library() -> Library {
    let file = |name: &str, text: &str| LibraryFile::new(name, text.as_bytes().to_vec());
    Library::new([
        file("moved.html", "<p>Dear {name}, go <a href=\"{link}\">there</a>.</p>"),
        file("moved.txt", "Dear {name}."),
        file("move.ics", "BEGIN:VCALENDAR\r\nSUMMARY:{name}\r\n"),
        file("guide.url", "https://intranet.fabrikam.com/guide\n"),
        LibraryFile::new("guide.pdf", vec![0xff; 1 << 20]),
        LibraryFile::new("large.pdf", vec![0xff; 1 << 20]),
        LibraryFile::new("larger.pdf", vec![0xff; (1 << 20) + 1]),
    ])
}

fn notify(message: &str) -> Result<Vec<Notice>, ScriptError> {
    let subject = if message.contains("subject:") { "" } else { "subject: \"Moved\"," };
    let text = format!(
        "// crosswave-api: 1\nfn notify(event, user, ctx) {{\n    [#{{ to: \"user\", {subject} {message} }}]\n}}\n"
    );
    let options = ScriptOptions { library: library(), ..ScriptOptions::default() };
    let script = Script::compile_with("messages.rhai", &text, options).unwrap();
    let user = scripting::UserInput { source: sample_user(), ..Default::default() };
    let event = Event::new(EventKind::CutoverComplete, "wave 1");
    let said = Notifications::of(script).unwrap().notify(&event, &user, &Arc::new(sample_run()));
    said.map(|said| said.notices)
}

fn violations(message: &str) -> Vec<Code> {
    let policy = PolicyContext {
        links: vec!["https://intranet.fabrikam.com".to_owned()],
        ..PolicyContext::default()
    };
    let found = check_notices("messages.rhai", &notify(message).unwrap(), &policy);
    found.iter().map(|found| found.code).collect()
}

#[test]
fn a_template_is_filled_and_its_values_are_escaped() {
    let body = |message: &str| notify(message).unwrap().remove(0);
    let html = body(
        r#"template: "moved.html", vars: #{ name: "A <b> & c", link: "https://intranet.fabrikam.com/a?b&c" }"#,
    );
    assert!(html.html);
    assert_eq!(
        html.body,
        "<p>Dear A &lt;b&gt; &amp; c, go <a href=\"https://intranet.fabrikam.com/a?b&amp;c\">there</a>.</p>"
    );
    let text = body(r#"template: "moved.txt", vars: #{ name: user.givenName }"#);
    assert_eq!((text.body.as_str(), text.html), ("Dear Anna.", false));
}

#[test]
fn attachments_carry_the_messages_values_and_links_have_names() {
    let notice = notify(
        r#"body: "See below.", vars: #{ name: "Anna" }, attach: ["move.ics", "guide.pdf"], links: ["guide.url", "https://intranet.fabrikam.com/x"]"#,
    );
    let notice = notice.unwrap().remove(0);
    assert_eq!(
        notice.links,
        ["https://intranet.fabrikam.com/guide", "https://intranet.fabrikam.com/x"]
    );
    let [calendar, guide] = &notice.attach[..] else { panic!("{:?}", notice.attach) };
    assert_eq!(calendar.text.as_deref(), Some("BEGIN:VCALENDAR\r\nSUMMARY:Anna\r\n"));
    assert_eq!(calendar.content_type, "text/calendar");
    assert_eq!((guide.text.as_ref(), guide.content_type.as_str()), (None, "application/pdf"));
}

#[test]
fn a_message_may_wait_for_a_date() {
    let when = |value: &str| notify(&format!("body: \"x\", when: {value}")).unwrap()[0].when;
    let now = sample_run().now;
    assert_eq!(when("()"), None);
    assert_eq!(when("ctx.now"), Some(now));
    let week = std::time::Duration::from_hours(7 * 24);
    assert_eq!(when(r#"date_add("d", 7, ctx.now)"#), Some(now + week));
    assert_eq!(
        when(r#""2026-03-06T18:00:00+01:00""#),
        Some("2026-03-06T17:00:00Z".parse().unwrap())
    );
}

/// The names that a script writes out, in the maps that can be messages.
#[test]
fn the_check_looks_up_the_files_that_messages_name() {
    let found = |entry: &str, map: &str| -> Vec<String> {
        let text = format!("// crosswave-api: 1\nfn {entry} {{ let made = {map}; [] }}\n");
        let options = ScriptOptions { library: library(), ..ScriptOptions::default() };
        let found = Script::compile_with("m.rhai", &text, options).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    };
    let notify = "notify(event, user, ctx)";
    for (map, said) in [
        (
            r#"#{ to: "user", template: "movd.html" }"#,
            "E016: the library has no template `movd.html` (m.rhai:2:67); did you mean `moved.html`?",
        ),
        (
            r#"["user"].map(|to| #{ to: to, attach: ["move.ics", "move.isc"] })"#,
            "E016: the library has no attachment `move.isc` (m.rhai:2:92); did you mean `move.ics`?",
        ),
        (
            r#"#{ to: "user", template: switch event.kind { "error" => "x.html", _ => "moved.txt" } }"#,
            "E016: the library has no template `x.html` (m.rhai:2:98); it has moved.html, moved.txt",
        ),
        (
            r#"#{ to: "user", template: "guide.pdf" }"#,
            "E016: `guide.pdf` is no template (m.rhai:2:67); templates are .html and .txt files",
        ),
        (
            r#"#{ to: "user", links: "move.url" }"#,
            "E016: the library has no link `move.url` (m.rhai:2:64); it has guide.url",
        ),
    ] {
        assert_eq!(found(notify, map), [said]);
    }
    // Addresses, names that are made up, and maps that are no message.
    for map in [
        r#"#{ to: "user", links: ["https://a.example/x.url", "guide.url"], attach: "guide.pdf" }"#,
        r#"#{ to: "user", template: event.kind + ".html", attach: `${event.kind}.pdf` }"#,
        r#"#{ template: "moved", attach: [] }"#,
    ] {
        assert_eq!(found(notify, map), [""; 0], "{map}");
    }
    let map = r#"#{ to: "x", template: "y" }"#;
    assert_eq!(found("map_user(source, target, ctx)", map), [""; 0]);
}

/// Each is R006, and says which message is meant and why.
#[test]
fn a_message_that_cannot_be_made_says_why() {
    for (message, said) in [
        (
            r#"template: "" + "movd.html""#,
            "entry 0: the library has no template `movd.html` (messages.rhai:3:39); did you mean `moved.html`?",
        ),
        (r#"template: "" + "guide.pdf""#, "`guide.pdf` is no template"),
        (r#"template: "moved.txt", body: "x""#, "it has `body` and `template`"),
        (r#"template: "moved.txt""#, "the template names {name}, but the values are: "),
        (
            r#"template: "moved.txt", vars: #{ nme: "x" }"#,
            "the template names {name}, but the values are: nme",
        ),
        (r#"template: "moved.txt", vars: ["x"]"#, "`vars` must be a map"),
        (r#"template: "moved.txt", vars: #{ name: user }"#, "`moved.txt`: {name}: "),
        (r#"template: "moved.txt", vars: #{ name: secret("x") }"#, "`moved.txt`: {name}: "),
        (r#"language: "en""#, "`body` is missing"),
        (r#"body: "x", when: "soon""#, "`when` must be a date"),
        (r#"body: "x", when: 5"#, "`when` must be a date"),
        (r#"body: "x", when: "2036-01-01""#, "more than a year ahead"),
        (r#"body: "x", attach: "" + "guide.doc""#, "the library has no attachment `guide.doc`"),
        (r#"body: "x", attach: "" + "guide.url""#, "`guide.url` is no attachment"),
        (r#"body: "x", attach: ["guide.pdf", "larger.pdf"]"#, "at most 2097152 are allowed"),
        (r#"body: "x", links: "" + "gide.url""#, "did you mean `guide.url`?"),
        (r#"body: "x", links: "https://a.example/\r\nb""#, "a link has no spaces"),
        (r#"body: "x", links: "https://a.example/".pad(3000, "a")"#, "a link has at most 2000"),
        (r#"body: "x", language: "de\r\nX: 1""#, "`language` is a code"),
        (r#"body: "x", subject: "a\u2028b""#, "`subject` has a line break"),
        (r#"body: "x", subject: "a\u202egnp.exe""#, "`subject` has a line break"),
        (r#"body: "x", templte: "y""#, "there is no field `templte`"),
    ] {
        let error = notify(message).unwrap_err();
        assert_eq!((error.code(), error.diagnostic.line), (Code::R006, Some(3)), "{message}");
        let text = error.diagnostic.to_string();
        assert!(text.contains(said), "{message}: {text}");
    }
    assert!(notify(r#"body: "x", attach: ["guide.pdf", "large.pdf"]"#).is_ok());
}

/// `park` asks for a person. In `notify` nobody else would hear of it: the notification fails with
/// the reason and its place, caught or not. `skip` means no message.
#[test]
fn a_notification_that_parks_fails_with_the_reason() {
    let run = |body: &str| {
        let text = format!("// crosswave-api: 1\nfn notify(event, user, ctx) {{\n{body}\n}}\n");
        let said = Notifications::compile("messages.rhai", &text).unwrap();
        let event = Event::new(EventKind::CutoverComplete, "wave 1");
        said.notify(&event, &scripting::UserInput::default(), &Arc::new(sample_run()))
    };
    for body in [r#"    park("no manager");"#, r#"try { park("no manager"); } catch { } []"#] {
        let error = run(body).unwrap_err();
        assert_eq!(error.code(), Code::R009, "{body}");
        let found = &error.diagnostic;
        assert_eq!(found.message, "`notify` parks: no manager");
        let column = body.find("park").unwrap() + 1;
        assert_eq!((found.line, found.column, found.width), (Some(3), Some(column), Some(4)));
        assert!(found.help.as_deref().unwrap().contains("`return []`"), "{found}");
    }
    assert_eq!(run(r#"skip("not this time");"#).unwrap().notices, []);
}

/// The check says beforehand that `park` in a message parks nobody, wherever only messages use it.
#[test]
fn the_check_warns_of_a_message_that_parks() {
    let warnings = |text: &str| -> Vec<_> {
        let script = Script::compile("m.rhai", &format!("// crosswave-api: 1\n{text}")).unwrap();
        script.warnings().iter().map(|found| (found.code, found.line, found.column)).collect()
    };
    let helper = "fn stop() { [1].map(|n| park(`no ${n}`)); }\n";
    let notify = "fn notify(event, user, ctx) { stop(); park(\"no\"); }\n";
    let map_user = "fn map_user(source, target, ctx) { stop(); park(\"no\"); }\n";
    let (helps, notifies) = ((Code::W001, Some(2), Some(25)), (Code::W001, Some(3), Some(39)));
    assert_eq!(warnings(&format!("{helper}{notify}")), [helps, notifies]);
    // A mapping may use the helper too, and parks the user with it.
    assert_eq!(warnings(&format!("{helper}{notify}{map_user}")), [notifies]);
    assert_eq!(warnings(&format!("{helper}{map_user}")), []);
}

/// What is refused is marked where it was written: the field, else the map. A map may come from
/// anywhere in the script.
#[test]
fn a_refused_field_is_marked_where_it_was_written() {
    for (marked, body) in [
        ("channel", r#"[#{ to: "user", subject: "s", body: "b", channel: "post" }]"#),
        ("to", r#"[#{ to: 1, subject: "s", body: "b" }]"#),
        ("\"to\"", r#"[#{ "to": 1, subject: "s", body: "b" }]"#),
        ("suject", r#"[#{ to: "user", suject: "s", body: "b" }]"#),
        ("template", r#"[#{ to: "user", subject: "s", template: "moved.txt" }]"#),
        ("template", r#"[#{ to: "user", subject: "s", template: event.kind + ".html" }]"#),
        ("vars", r#"[#{ to: "user", subject: "s", template: "moved.txt", vars: #{ nme: 1 } }]"#),
        ("attach", r#"[#{ to: "user", subject: "s", body: "b", attach: ["guide" + ".url"] }]"#),
        ("links", r#"[#{ to: "user", subject: "s", body: "b", links: ["gide" + ".url"] }]"#),
        (
            "when",
            r#"let all = []; all.push(#{ when: 5, to: "user", subject: "s", body: "b" }); all"#,
        ),
        // The field is missing, or came later: the map.
        ("#{ subject", r#"[#{ subject: "s", body: "b" }]"#),
        ("#{ to", r#"let one = #{ to: "user", subject: "s" }; one.body = 5; [one]"#),
        ("#{ }", r#"let one = #{ }; one.to = "user"; [one]"#),
        // Written elsewhere.
        ("body", r#"["user"].map(|to| #{ to: to, subject: "s", body: () })"#),
        ("body", r#"[message()] } fn message() { #{ to: "user", subject: "s", body: 5 }"#),
        ("language", "[#{\n  to: \"user\", subject: \"s\",\n\tbody: \"b\", language: \"?\" }]"),
        ("subject", "[#{ to: \"user\", body: `${#{ a: 1 }.a} {`, subject: \"\" }]"),
    ] {
        let text = format!("// crosswave-api: 1\nfn notify(event, user, ctx) {{ {body} }}\n");
        let options = ScriptOptions { library: library(), ..ScriptOptions::default() };
        let script = Script::compile_with("messages.rhai", &text, options).unwrap();
        let event = Event::new(EventKind::CutoverComplete, "wave 1");
        let said = Notifications::of(script).unwrap();
        let error = said.notify(&event, &scripting::UserInput::default(), &Arc::new(sample_run()));
        let found = error.unwrap_err().diagnostic;
        let (line, column) = (found.line.unwrap(), found.column.unwrap());
        let line = text.lines().nth(line - 1).unwrap();
        assert!(line[column - 1..].starts_with(marked), "{marked}: {}", found.render());
        assert_eq!(found.source_line.as_deref(), Some(line));
    }
}

/// Looking for the place changes nothing: a script that counts its maps' entries fails as it did, and
/// is marked where nothing better is known.
#[test]
fn a_map_that_is_looked_through_keeps_its_error() {
    let text = "// crosswave-api: 1\nfn notify(event, user, ctx) {\n    let one = #{ to: \"user\" };\n    \
                one.subject = one.len(); [one]\n}\n";
    let said = Notifications::compile("m.rhai", text).unwrap();
    let event = Event::new(EventKind::CutoverComplete, "wave 1");
    let error = said.notify(&event, &scripting::UserInput::default(), &Arc::new(sample_run()));
    let found = error.unwrap_err().diagnostic;
    assert_eq!(found.message, "`notify` entry 0: `subject` must be a text");
    assert_eq!((found.line, found.column), (Some(3), Some(15)));
}

/// A script cannot blow its messages up beyond what its worker can hand over.
#[test]
fn the_messages_of_an_event_have_a_size_together() {
    let template = "{a}".repeat(21);
    let library = Library::new([LibraryFile::new("a.txt", template.into_bytes())]);
    let options = ScriptOptions { library, ..ScriptOptions::default() };
    let files = ["\"a.txt\""; 10].join(",");
    let text = format!(
        "// crosswave-api: 1\nfn notify(event, user, ctx) {{ let all = []; for i in 0..20 {{ \
         all.push(#{{ to: \"user\", subject: \"s\", body: \"b\", vars: #{{ a: \"\".pad(3000, \"y\") }}, \
         attach: [{files}] }}); }} all }}\n"
    );
    let script = Script::compile_with("m.rhai", &text, options).unwrap();
    let event = Event::new(EventKind::CutoverComplete, "wave 1");
    let user = scripting::UserInput::default();
    let said = Notifications::of(script).unwrap();
    let error = said.notify(&event, &user, &Arc::new(sample_run())).unwrap_err();
    assert_eq!(error.code(), Code::R006);
    assert!(error.to_string().contains("messages of more than 4 MiB"), "{error}");
}

/// The policy gate reads what people read, whichever way it came into the message.
#[test]
fn links_of_templates_values_and_attachments_pass_the_gate() {
    let good =
        r#"template: "moved.html", vars: #{ name: "A", link: "https://intranet.fabrikam.com/a" }"#;
    assert_eq!(violations(good), []);
    assert_eq!(violations(r#"body: "x", links: "guide.url""#), []);
    for bad in [
        r#"body: "x", links: "https://intranet.fabrikam.com@evil.example/""#,
        r#"body: "x", links: "https://intranet.fabrikam.com.evil.example/""#,
        r#"body: "x", links: "https://intranet.fabrikam.com/move/../other""#,
        r#"body: "x", links: "https://intranet.fabrikam.com/move/%2E%2e/other""#,
        r#"body: "x", links: "https://intranet.fabrikam.com\\evil.example""#,
        r#"template: "moved.html", vars: #{ name: "A", link: "https://evil.example/a" }"#,
        r#"template: "moved.html", vars: #{ name: "A", link: "evil.example" }"#,
        r#"template: "moved.html", vars: #{ name: "A", link: "javascript:alert" }"#,
        r#"template: "moved.html", vars: #{ name: "go to evil.example/login", link: "https://intranet.fabrikam.com" }"#,
        r#"template: "moved.txt", vars: #{ name: "https://evil.example" }"#,
        r#"body: "x", attach: "move.ics", vars: #{ name: "https://evil.example" }"#,
        r#"body: "x", links: "https://evil.example""#,
    ] {
        let codes = violations(bad);
        assert!(
            !codes.is_empty() && codes.iter().all(|code| *code == Code::P005),
            "{bad}: {codes:?}"
        );
    }
}

/// What editors put before a text is none of it, and nobody is written to with characters that are
/// not seen and act on what is.
#[test]
fn templates_and_links_hold_only_what_is_seen() {
    let check = |name: &str, text: &str| {
        let library = Library::new([LibraryFile::new(name, text.as_bytes().to_vec())]);
        let options = ScriptOptions { library, ..ScriptOptions::default() };
        let body = if name == "t.url" { "body: \"b\"" } else { "template: \"t.html\"" };
        let text = format!(
            "// crosswave-api: 1\nfn notify(event, user, ctx) {{ [#{{ to: \"user\", subject: \"s\", {body} }}] }}\n"
        );
        let script = Script::compile_with("m.rhai", &text, options)
            .map_err(|found| found.iter().map(ToString::to_string).collect::<String>())?;
        let user = scripting::UserInput::default();
        let event = Event::new(EventKind::CutoverComplete, "wave 1");
        let said = Notifications::of(script).unwrap();
        let said = said.notify(&event, &user, &Arc::new(sample_run())).unwrap();
        Ok::<_, String>(said.notices[0].body.clone())
    };
    assert_eq!(check("t.html", "\u{feff}<p>Hello</p>"), Ok("<p>Hello</p>".to_owned()));
    for (name, text) in [
        ("t.html", "<p>\0</p>"),
        ("t.html", "<p>\n\u{1b}[2J</p>"),
        ("t.html", "<p>\u{202e}moc.live</p>"),
        ("t.url", "https://a.example/\u{1b}[2J"),
        ("t.url", &format!("https://a.example/{}", "a".repeat(3000))),
    ] {
        let said = check(name, text).unwrap_err();
        assert!(said.contains("E015") && !said.contains(char::is_control), "{text:?}: {said}");
    }
}

/// A name may come from anybody. In a subject or a link such characters are refused; in a text that
/// people read line breaks and tabs stay, and the others are left out.
#[test]
fn values_and_bodies_hold_only_what_is_seen() {
    let name = r#""A\x00\x1b[2Jn\u202en\u2066a\r\nB\tC\rD\x85E\u2028F\x7f\u200f""#;
    let seen = "A[2Jnna\nB\tC\nD\nE\nF";
    let body = |message: &str| notify(message).unwrap().remove(0);
    assert_eq!(body(&format!("body: {name}")).body, seen);
    let vars = format!("vars: #{{ name: {name}, link: \"https://intranet.fabrikam.com\" }}");
    let text = body(&format!(r#"template: "moved.txt", attach: "move.ics", {vars}"#));
    assert_eq!(text.body, format!("Dear {seen}."));
    let calendar = text.attach[0].text.as_deref().unwrap();
    // A tab is white space within a line there too.
    assert_eq!(calendar, "BEGIN:VCALENDAR\r\nSUMMARY:A[2Jnna\\nB\tC\\nD\\nE\\nF\r\n");
    let html = body(&format!(r#"template: "moved.html", {vars}"#)).body;
    assert!(html.starts_with(&format!("<p>Dear {seen}, go")), "{html:?}");
    // What is hidden from people is not hidden from the gate.
    assert_eq!(violations(r#"body: "see ev\x00il.exa\u202emple/login""#), [Code::P005]);
    for message in [
        r#"body: "\x00 \u202e""#,
        r#"template: "moved.html", vars: #{ name: "A", link: "https://a.example/\u202e" }"#,
    ] {
        assert_eq!(notify(message).unwrap_err().code(), Code::R006, "{message}");
    }
}

/// A version is what decides its messages: another template is another version.
#[test]
fn the_library_is_part_of_the_version() {
    let text = "// crosswave-api: 1\nfn notify(event, user, ctx) { [] }\n";
    let of = |library: Library| {
        let options = ScriptOptions { library, ..ScriptOptions::default() };
        Script::compile_with("m.rhai", text, options).unwrap().hash().to_owned()
    };
    let with = |text: &str| of(Library::new([LibraryFile::new("a.txt", text.as_bytes().to_vec())]));
    assert_ne!(with("one"), with("two"));
    assert_ne!(with("one"), of(Library::default()));
    assert_eq!(of(Library::default()), Script::compile("m.rhai", text).unwrap().hash());
}
